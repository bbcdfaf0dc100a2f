/** The policy of an upload form: what S3 is told to take, and nothing beside it. */
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { uploadForm, type UploadFormRequest } from '../../functions/upload-form.ts';

const client = new S3Client({
  region: 'eu-west-1',
  credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'token' },
});
const REQUEST: UploadFormRequest = { bucket: 'models', prefix: 'from/others/', maxBytes: 500e6, expiresSeconds: 900 };

vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-05-04T03:02:01.500Z') });
afterAll(() => {
  vi.useRealTimers();
});

describe('the form', async () => {
  const { url, fields } = await uploadForm(REQUEST, client);
  const { Policy, 'X-Amz-Signature': signature, ...others } = fields;
  const policy = JSON.parse(Buffer.from(Policy!, 'base64').toString()) as { expiration: string; conditions: unknown[] };

  it('goes to the bucket where it is', () => expect(url).toBe('https://models.s3.eu-west-1.amazonaws.com/'));

  it('names the file by the prefix and its own name', () => expect(others['key']).toBe('from/others/${filename}'));

  it('is good for so long', () => expect(policy.expiration).toBe('2026-05-04T03:17:01Z'));

  it('takes keys below the prefix and files up to the size, and every other field as it is', () => {
    const { key, ...exact } = others;
    expect(key).toBeDefined();
    expect(policy.conditions).toHaveLength(2 + Object.keys(exact).length);
    expect(policy.conditions).toEqual(
      expect.arrayContaining([
        ['content-length-range', 1, 500_000_000],
        ['starts-with', '$key', 'from/others/'],
        { bucket: 'models' },
        { 'X-Amz-Security-Token': 'token' },
        ...Object.entries(exact).map(([name, value]) => ({ [name]: value })),
      ]),
    );
  });

  it('is signed', () => expect(signature).toMatch(/^[0-9a-f]{64}$/));
});

describe('refuses', () => {
  it.each<[keyof UploadFormRequest, UploadFormRequest[keyof UploadFormRequest]]>([
    ['prefix', ''],
    ['prefix', '/'],
    ['prefix', 'no-slash'],
    ['prefix', '/absolute/'],
    ['prefix', 'a${filename}/'],
    ['prefix', 'line\nbreak/'],
    ['prefix', `${'x'.repeat(600)}/`],
    ['maxBytes', 0],
    ['maxBytes', 1.5],
    ['maxBytes', 5 * 2 ** 30 + 1],
    ['expiresSeconds', 0],
    ['expiresSeconds', 604_801],
  ])('%s %j', async (option, value) => {
    await expect(uploadForm({ ...REQUEST, [option]: value }, client)).rejects.toMatchObject({
      code: 'BadOption',
      details: { option, value: String(value) },
    });
  });

  it('to sign without credentials', async () => {
    const credentials = (): Promise<never> =>
      Promise.reject(Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' }));
    const nobody = new S3Client({ region: 'eu-west-1', credentials });
    await expect(uploadForm(REQUEST, nobody)).rejects.toMatchObject({ code: 'AccessDenied' });
  });
});

it.each(['a/', 'ü 模型/', `${'x'.repeat(500)}/`])('takes the prefix %j', async (prefix) => {
  const { fields } = await uploadForm({ ...REQUEST, prefix }, client);
  expect(fields['key']).toBe(`${prefix}\${filename}`);
});

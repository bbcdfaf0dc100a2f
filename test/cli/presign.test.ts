/** `torchferry presign`: what it prints is a command that a shell runs, or a page with the same form. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { printed } from './in-process.ts';

const root = mkdtempSync(join(tmpdir(), 'presign-'));
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});

interface Facts {
  readonly bucket: string;
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}
const factsOf = async (...args: string[]): Promise<Facts> =>
  JSON.parse((await printed('presign', ...args, '--json')).out) as Facts;

const hasCurl = spawnSync('curl', ['--version']).status === 0;
if (!hasCurl) console.warn('SKIPPED: there is no curl, so that the printed command was not run');

it.runIf(hasCurl)('prints a command that sends every field as it is signed, and the file last', async () => {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => response.writeHead(201).end(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    writeFileSync(join(root, 'model.pt2'), 'weights');
    const { code, out } = await printed('presign', "it's/", '--bucket', 'models', '--max-mb', '1', '--expires', '60');
    expect(code).toBe(0);
    const { stdout } = await promisify(execFile)('sh', ['-c', out], { cwd: root });
    const [, boundary] = /^--(.*)\r$/m.exec(stdout)!;
    const type = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const sent = [...(await new Response(stdout, { headers: type }).formData())];
    const { fields } = await factsOf("it's/", '--bucket', 'models', '--max-mb', '1', '--expires', '60');
    expect(sent.map(([name]) => name)).toEqual([...Object.keys(fields), 'file']);
    expect(sent.find(([name]) => name === 'key')![1]).toBe("it's/${filename}");
    expect(await (sent.at(-1)![1] as File).text()).toBe('weights');
  } finally {
    server.close();
  }
});

it('prints a page with the same form, escaped', async () => {
  const { out } = await printed('presign', '"><script>/', '--bucket', 'models', '--html');
  const hidden = [...out.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name]) => name);
  expect(hidden).toEqual(Object.keys((await factsOf('"><script>/', '--bucket', 'models')).fields));
  expect(out).toContain('value="&quot;&gt;&lt;script&gt;/${filename}"');
  expect(out).not.toContain('<script>');
  expect(out).toMatch(
    /<form action="https:\/\/models\.s3\.eu-west-1[^"]*" method="post" enctype="multipart\/form-data">/,
  );
});

it('finds the bucket of a stack', async () => {
  const stacks = { Stacks: [{ Outputs: [{ OutputKey: 'InputBucketName', OutputValue: 'the-input' }] }] };
  writeFileSync(join(root, 'aws'), `#!/bin/sh\necho '${JSON.stringify(stacks)}'\n`);
  chmodSync(join(root, 'aws'), 0o755);
  vi.stubEnv('PATH', `${root}${delimiter}${process.env['PATH']!}`);
  expect(await factsOf('up/', '--stack', 'Torchferry')).toMatchObject({ bucket: 'the-input' });
});

it.each([
  [['--bucket', 'models'], 'no prefix was given'],
  [['up/'], 'it is not said where to'],
  [['up', '--bucket', 'models'], 'expected the start of keys, ending in "/"'],
  [['up/', '--bucket', 'models', '--max-mb', '9000'], 'expected a whole number from 1 to 5368709120'],
  [['up/', '--bucket', 'models', '--expires', 'soon'], 'expected a whole number'],
])('refuses %j', async (args, says) => {
  const { code, err } = await printed('presign', ...args);
  expect(code).toBe(2);
  expect(err).toContain(says);
});

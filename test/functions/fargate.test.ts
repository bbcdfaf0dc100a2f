/**
 * The command of a task as a process, as ECS starts it: in front of it what answers like S3, like Step Functions and
 * like the credentials of a task.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import { SignatureV4 } from '@smithy/signature-v4';
import type { HttpRequest } from '@smithy/types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signed } from '../../functions/fargate/sign.ts';
import { unpack } from '../../functions/fargate/unpack.ts';
import { fargateCommand } from '../../infra/fargate-command.ts';
import { messageOf } from '../../shared/pipeline/report/failures.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly target: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, string>;
}

const ROLE = { AccessKeyId: 'AKIDTASK', SecretAccessKey: 'secret', Token: 'session' };
const command = fargateCommand();

let folder: string;
let server: Server;
let calls: Call[];
let handlerCode: string;
/** Status and body of a call, instead of the usual answer. */
let disturb: (call: Call) => readonly [number, string] | null;
let task: ChildProcess | null;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fargate-'));
  calls = [];
  handlerCode = `export const handler = async (payload) => ({ got: payload });`;
  disturb = () => null;
  task = null;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const target = request.headers['x-amz-target'] as string | undefined;
      const call: Call = {
        method: request.method!,
        path: request.url!,
        target: target?.replace('AWSStepFunctions.', ''),
        headers: request.headers,
        body: text ? (JSON.parse(text) as Record<string, string>) : {},
      };
      calls.push(call);
      const disturbed = disturb(call);
      response.writeHead(disturbed?.[0] ?? 200);
      response.end(disturbed?.[1] ?? usual(call));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  task?.kill('SIGKILL');
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const usual = ({ path }: Call): string | Uint8Array => {
  if (path === '/credentials') return JSON.stringify(ROLE);
  if (path === '/assets/abc.zip') return zipBytes([['index.mjs', Buffer.from(handlerCode)]]);
  return '{}';
};

const port = (): number => (server.address() as AddressInfo).port;

function start(payload: unknown = { job: { id: 'j1' } }): ChildProcess {
  const [, ...args] = command;
  const url = `http://127.0.0.1:${port()}`;
  return spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      TMPDIR: folder,
      AWS_REGION: 'eu-west-1',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/credentials`,
      TASK_TOKEN: 'token-1',
      STAGE: 'validate',
      STAGE_PAYLOAD: JSON.stringify(payload),
      STAGE_SECONDS: '3600',
      TASK_MEMORY_MB: '30720',
      CODE_URL: `${url}/assets/abc.zip`,
      STATES_URL: `${url}/`,
    },
  });
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((done) => child.once('exit', done));
const run = async (payload?: unknown): Promise<number | null> => ended((task = start(payload)));
const answers = (): Call[] => calls.filter(({ target }) => target !== undefined && target !== 'SendTaskHeartbeat');

describe('a task', () => {
  it('fetches the function, runs it, gives a sign of life, and answers as lambda:invoke does', async () => {
    expect(await run({ job: { id: 'j1' }, variant: { name: 'int8 "ü"' } })).toBe(0);
    expect(calls.filter(({ target }) => target === 'SendTaskHeartbeat').map(({ body }) => body)).toEqual([
      { taskToken: 'token-1' },
    ]);
    expect(answers().map(({ target, body }) => [target, body['taskToken'], JSON.parse(body['output']!)])).toEqual([
      ['SendTaskSuccess', 'token-1', { Payload: { got: { job: { id: 'j1' }, variant: { name: 'int8 "ü"' } } } }],
    ]);
  });

  it('tells the stage what it has: time and memory', async () => {
    handlerCode = `export const handler = async (_, context) =>
      [context.functionName, context.memoryLimitInMB, context.getRemainingTimeInMillis()];`;
    await run();
    const { Payload } = JSON.parse(answers()[0]!.body['output']!) as { Payload: [string, string, number] };
    expect(Payload.slice(0, 2)).toEqual(['validate', '30720']);
    expect(Payload[2]).toBeGreaterThan(3_590_000);
    expect(Payload[2]).toBeLessThanOrEqual(3_600_000);
  });

  it('signs as the role of the task', async () => {
    await run();
    const asked = calls.filter(({ path }) => path !== '/credentials');
    expect(asked.length).toBe(3);
    for (const { headers } of asked) {
      expect(headers['x-amz-security-token']).toBe(ROLE.Token);
      expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDTASK\/\d{8}\/eu-west-1\/(s3|states)\//);
    }
  });

  it('asks again where AWS is in trouble', async () => {
    const left = new Map([
      ['/assets/abc.zip', 1],
      ['SendTaskSuccess', 2],
      ['/credentials', 1],
    ]);
    disturb = ({ path, target }) => {
      const name = target ?? path;
      const times = left.get(name) ?? 0;
      left.set(name, times - 1);
      return times > 0 ? [503, '<Error><Code>SlowDown</Code></Error>'] : null;
    };
    expect(await run()).toBe(0);
    expect(answers().map(({ target }) => target)).toEqual(['SendTaskSuccess', 'SendTaskSuccess', 'SendTaskSuccess']);
  });
});

describe('a failure', () => {
  const failed = async (): Promise<[string, string]> => {
    await run();
    const [{ target, body }, ...more] = answers() as [Call, ...Call[]];
    expect([target, more]).toEqual(['SendTaskFailure', []]);
    return [body['error']!, messageOf(body['cause']!)];
  };

  it('of the stage keeps its name and its message', async () => {
    handlerCode = `export const handler = async () => {
      throw Object.assign(new Error('aten::mystery (2 times)'), { name: 'UnsupportedOperator' });
    };`;
    expect(await failed()).toEqual(['UnsupportedOperator', 'aten::mystery (2 times)']);
  });

  it('with a long message is cut to what Step Functions takes', async () => {
    handlerCode = `export const handler = async () => { throw new Error('x"'.repeat(100_000)); };`;
    const [name, message] = await failed();
    expect([name, message.startsWith('x"x"')]).toEqual(['Error', true]);
    expect(answers()[0]!.body['cause']!.length).toBeLessThanOrEqual(32_768);
  });

  it.each([
    ['killed, as for want of memory', `process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});`, 'SIGKILL'],
    ['ended by a library', 'process.exit(134);', 'code 134'],
  ])('of the process, %s, is told at once', async (_, code, how) => {
    handlerCode = `export const handler = async () => { setInterval(() => {}, 1000); ${code} };`;
    expect(await failed()).toEqual(['Runtime.ExitError', `the process of the stage ended with ${how}`]);
  });

  it('to fetch the code is told, too', async () => {
    disturb = ({ path }) =>
      path === '/assets/abc.zip' ? [403, '<Error><Code>AccessDenied</Code><Message>no</Message></Error>'] : null;
    const [name, message] = await failed();
    expect(name).toBe('Fargate.NoCode');
    expect(message).toMatch(/AccessDenied/);
  });

  it('is not what a stage becomes for which nobody waits: it ends', async () => {
    handlerCode = `export const handler = () => new Promise((done) => setTimeout(done, 60_000));`;
    disturb = ({ target }) => (target === 'SendTaskHeartbeat' ? [400, '{"__type":"TaskTimedOut"}'] : null);
    expect(await run()).toBe(1);
    expect(answers()).toEqual([]);
  });

  it('is what a task becomes that is told to stop, and its stage ends with it', async () => {
    handlerCode = `export const handler = () => new Promise(() => {
      setInterval(() => fetch('http://127.0.0.1:${port()}/at-work').catch(() => {}), 50);
    });`;
    const atWork = (): number => calls.filter(({ path }) => path === '/at-work').length;
    task = start();
    const exit = ended(task);
    while (atWork() === 0) await sleep(20);
    task.kill('SIGTERM');
    expect(await exit).toBe(1);
    expect(answers().map(({ target, body }) => [target, body['error']])).toEqual([
      ['SendTaskFailure', 'Fargate.TaskStopped'],
    ]);
    await sleep(100);
    const before = atWork();
    await sleep(300);
    expect(atWork()).toBe(before);
  });
});

describe('a signature', () => {
  class Sha256 {
    readonly #hash;
    constructor(secret?: string | Uint8Array) {
      this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
    }
    update(data: string | Uint8Array): void {
      this.#hash.update(data);
    }
    digest(): Promise<Uint8Array> {
      return Promise.resolve(this.#hash.digest());
    }
    reset(): void {}
  }

  it.each([
    ['GET', 's3', 'https://s3.eu-west-1.amazonaws.com/cdk-assets/abc.zip', {}, ''],
    ['POST', 'states', 'https://states.eu-west-1.amazonaws.com/', { 'x-amz-target': 'A.B' }, '{"taskToken":"ü"}'],
  ] as const)('of a %s to %s is that of the SDK', async (method, service, address, headers, body) => {
    const url = new URL(address);
    const now = new Date('2026-11-27T01:02:03.456Z');
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' };
    const ours = signed({ method, url, headers, body }, { credentials, region: 'eu-west-1', service, now });
    const signer = new SignatureV4({
      credentials,
      region: 'eu-west-1',
      service,
      sha256: Sha256 as never,
      uriEscapePath: false,
    });
    const theirs = await signer.sign(
      {
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        headers: { ...headers, host: url.host, 'x-amz-content-sha256': ours['x-amz-content-sha256']! },
        body,
      } as unknown as HttpRequest,
      { signingDate: now },
    );
    expect(ours['authorization']).toBe(theirs.headers['authorization']);
  });
});

describe('an archive', () => {
  it('of another writer, deflated, with folders, is unpacked as it was', () => {
    // What onnxruntime-node unpacks its own archives with.
    const AdmZip = createRequire(createRequire(import.meta.url).resolve('onnxruntime-node'))('adm-zip') as new () => {
      addFile(name: string, bytes: Buffer): void;
      toBuffer(): Buffer;
    };
    const zip = new AdmZip();
    const text = 'export const handler = 1;\n'.repeat(1000);
    zip.addFile('index.mjs', Buffer.from(text));
    zip.addFile('node_modules/', Buffer.alloc(0));
    zip.addFile('node_modules/ü/lib.node', Buffer.from([0, 1, 2, 255]));
    const archive = zip.toBuffer();
    expect(archive.length).toBeLessThan(text.length / 2);
    unpack(archive, folder);
    const read = (name: string): Buffer => readFileSync(join(folder, name));
    expect(read('index.mjs').toString()).toBe(text);
    expect([...read('node_modules/ü/lib.node')]).toEqual([0, 1, 2, 255]);
  });

  it('that was cut short is none', () => {
    const whole = Buffer.from(zipBytes([['index.mjs', deflateRawSync(Buffer.from('x'))]]));
    expect(() => unpack(whole.subarray(0, whole.length - 30), folder)).toThrow(/not all of it came/);
  });
});

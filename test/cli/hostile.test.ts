/** Files that somebody else made end in a typed failure, soon, and read nothing outside of their folder. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runLocal } from '../../local/run.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { zipBytes } from '../../shared/bytes/zip-write.ts';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { readModel } from '../../shared/onnx/proto/read-model.ts';
import { encode } from '../../shared/onnx/proto/encode.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { bytesOf } from '../../shared/tensor/arithmetic.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { printed } from './in-process.ts';

const DIGITS = resolve(import.meta.dirname, '../../examples/digits/digits_cnn.pt2');
const isPosix = process.platform !== 'win32';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'torchferry-hostile-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const codeOf = async (...args: string[]): Promise<string | undefined> => {
  const { out } = await printed(...args, '--json');
  return (JSON.parse(out) as { error?: { code: string } }).error?.code;
};
const onnx = async (name: string, text: string): Promise<string> => {
  await writeModel(parseModel(text), at(name), { weights: 'pack' });
  return at(name);
};
const HEAD = '<ir_version: 10, opset_import: ["": 21]>';
/** A weight that is large enough to lie in a file of its own. */
const weighted = (): Promise<string> =>
  onnx(
    'w.onnx',
    `${HEAD} main (float[1,16] x) => (float[1,32] y) <float[16,32] w = {${Array.from({ length: 512 }, (_, i) => i).join(', ')}}> { y = MatMul(x, w) }`,
  );

describe.skipIf(!isPosix)('a pipe', () => {
  test.each(['convert', 'quantize', 'validate', 'inspect'])('as the model of %s', async (command) => {
    execFileSync('mkfifo', [at('pipe')]);
    expect(await codeOf(command, at('pipe'))).toBe('UnsupportedFormat');
  });

  test.each(['quantize', 'validate'])('as the weights of a model, in %s', async (command) => {
    const model = await weighted();
    rmSync(`${model}.data`);
    execFileSync('mkfifo', [`${model}.data`]);
    expect(await codeOf(command, model)).toBe('UnsupportedFormat');
  });

  test('as a job file', async () => {
    execFileSync('mkfifo', [at('job.json')]);
    expect(await codeOf('convert', DIGITS, '-o', at('x.onnx'), '--job', at('job.json'))).toBe('UnsupportedFormat');
  });
});

describe.skipIf(!isPosix)('a link out of the folder', () => {
  test.each(['quantize', 'validate'])('to weights is not followed by %s', async (command) => {
    const model = await weighted();
    mkdirSync(at('inside'));
    copyFileSync(model, at('inside/w.onnx'));
    symlinkSync(`${model}.data`, at('inside/w.onnx.data'));
    expect(await codeOf(command, at('inside/w.onnx'))).toBe('CorruptModel');
    rmSync(at('inside/w.onnx.data'));
    copyFileSync(`${model}.data`, at('inside/real'));
    symlinkSync(at('inside/real'), at('inside/w.onnx.data'));
    expect(await codeOf('validate', at('inside/w.onnx'))).not.toBe('CorruptModel');
  });

  test('to calibration data is not followed by a job', async () => {
    mkdirSync(at('inside'));
    copyFileSync(DIGITS, at('inside/net.pt2'));
    const x = memoryData('float32', [1, 1, 8, 8], new Uint8Array(256));
    writeFileSync(at('data.npz'), await writeNpz([['x', x]]));
    symlinkSync(at('data.npz'), at('inside/data.npz'));
    writeFileSync(at('inside/net.job.json'), '{"calibration": "data.npz"}');
    const job = at('inside/net.job.json');
    expect(await codeOf('convert', at('inside/net.pt2'), '--dtype', 'int8', '--job', job)).toBe('BadJob');
    const { failure } = await runLocal({ model: at('inside/net.pt2'), outDir: at('out') });
    expect(failure).toMatchObject({ code: 'BadJob', message: expect.stringContaining('leads out of the folder') });
  });
});

describe('validate', () => {
  test('refuses an input of absurd size', async () => {
    const model = await onnx('huge.onnx', `${HEAD} main (float[4611686018427387] x) => (float[N] y) { y = Relu(x) }`);
    expect(await codeOf('validate', model)).toBe('LimitExceeded');
  });

  test('refuses an input without a type', async () => {
    const bytes = encode('ModelProto', {
      ir_version: 10,
      opset_import: [{ domain: '', version: 21 }],
      graph: {
        name: 'g',
        input: [{ name: 'x' }],
        output: [{ name: 'y' }],
        node: [{ op_type: 'Relu', input: ['x'], output: ['y'] }],
      },
    } as never);
    writeFileSync(at('untyped.onnx'), bytes);
    expect(await codeOf('validate', at('untyped.onnx'))).toBe('CorruptModel');
  });
});

describe('a loop without an end', () => {
  const loop = `${HEAD} main (float[N,1] x) => (float[N,1] y) <bool yes = {1}, float[1,1] w = {2}> {
    p = MatMul(x, w)
    y = Loop <body = body (int64 i, bool go, float[N,1] s) => (bool on, float[N,1] t) { on = Identity(go) t = Identity(s) }> (, yes, p)
  }`;

  test.each([
    ['validate', (model: string) => ['validate', model]],
    ['static calibration', (model: string) => ['quantize', model, '--calibration', at('loop.calibration.npz')]],
    ['the pipeline', (model: string) => ['run', model, '-o', at('out')]],
  ] as const)('in %s ends at its limit of time', { timeout: 120_000 }, async (_, line) => {
    const model = await onnx('loop.onnx', loop);
    const samples = memoryData('float32', [4, 1], bytesOf(Float32Array.of(1, 2, 3, 4)));
    writeFileSync(at('loop.calibration.npz'), await writeNpz([['x', samples]]));
    const started = performance.now();
    expect(await codeOf(...line(model), '--time-limit', '3')).toBe('LimitExceeded');
    expect(performance.now() - started).toBeLessThan(60_000);
    if (line(model).includes('run')) expect(readFileSync(at('out/report.html'), 'utf8')).toContain('LimitExceeded');
  });
});

test('a graph whose matrices do not fit each other is refused by quantize', async () => {
  const main = 'main (float[1,4] x) => (float[1,2] y) <float[2,2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }';
  expect(await codeOf('quantize', await onnx('misfit.onnx', `${HEAD} ${main}`))).toBe('CorruptModel');
});

test('a graph of more nodes than any model has is refused while it is read', async () => {
  const node = encode('GraphProto', { node: [{ op_type: 'Relu', input: ['a'], output: ['a'] }] } as never);
  const graph = Buffer.concat(Array.from({ length: 200_001 }, () => node));
  const head = Buffer.from(encode('ModelProto', { ir_version: 10 } as never));
  const length: number[] = [];
  for (let rest = graph.length; ; rest >>>= 7) {
    length.push((rest & 127) | (rest > 127 ? 128 : 0));
    if (rest <= 127) break;
  }
  // Field 7 of a ModelProto is its graph.
  const model = Buffer.concat([head, Buffer.from([0x3a, ...length]), graph]);
  await expect(readModel(memorySource('many.onnx', model))).rejects.toMatchObject({
    code: 'LimitExceeded',
    details: { what: 'number of nodes', limit: 200_000 },
  });
});

test('sample inputs that are a pickle of something else are said, and not used', async () => {
  const source = fileSource(DIGITS);
  const zip = await openZip(source);
  const records: [string, Uint8Array][] = [];
  for (const entry of zip.entries) {
    const bytes = await (await entry.slice()).read();
    records.push([entry.name, /sample_inputs/.test(entry.name) ? Buffer.from('cos\nsystem\n(S"true"\ntR.') : bytes]);
  }
  source.close();
  writeFileSync(at('net.pt2'), zipBytes(records));
  await runLocal({ model: at('net.pt2'), outDir: at('out'), options: { dtype: ['fp32'] } });
  const { warnings } = JSON.parse(readFileSync(at('out/report.json'), 'utf8')) as { warnings: { message: string }[] };
  expect(warnings.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^the sample inputs of .* are not used/),
  );
});

/** What can be known before the work is said before the work, in the words of who wrote it, and the exit code tells. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runLocal } from '../../local/run.ts';
import { writeNpz } from '../../shared/tensor/npz.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { printed } from './in-process.ts';

const DIGITS = resolve(import.meta.dirname, '../../examples/digits/digits_cnn.pt2');

let folder: string;
let model: string;
const at = (name: string): string => join(folder, name);
const job = (options: object): void => writeFileSync(at('net.job.json'), JSON.stringify(options));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-early-'));
  model = at('net.pt2');
  copyFileSync(DIGITS, model);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Stages that began, and how it ended. */
async function ran(): Promise<{ stages: string[]; code: string | undefined; message: string | undefined }> {
  const stages: string[] = [];
  const { failure } = await runLocal({
    model,
    outDir: at('out'),
    onEvent: (event) => {
      if (event.kind === 'stage' && event.status === 'started') stages.push(event.stage);
    },
  });
  return { stages, code: failure?.code, message: failure?.message };
}

describe('a job', () => {
  test.each(['calibration', 'test_data', 'example_inputs', 'reference'])('whose %s cannot be read', async (option) => {
    writeFileSync(at('data.npz'), 'this is no archive');
    job({ [option]: 'data.npz' });
    const { stages, code, message } = await ran();
    expect(stages).toEqual(['claim', 'report', 'release']);
    expect([code, message]).toEqual(['BadJob', expect.stringContaining(`at "${option}"`)]);
  });

  test('whose INT8 model cannot be read', async () => {
    writeFileSync(at('net.int8.pt'), 'this is no archive');
    const { stages, code, message } = await ran();
    expect(stages).toEqual(['claim', 'report', 'release']);
    expect([code, message]).toEqual(['BadJob', expect.stringContaining('at "quantized_model"')]);
  });

  test('with a wrong name of labels', async () => {
    const labels = memoryData('int64', [2], new Uint8Array(16));
    writeFileSync(at('data.npz'), await writeNpz([['labels', labels]]));
    job({ test_data: 'data.npz', labels: 'lables' });
    const { stages, message } = await ran();
    expect(stages).toEqual(['claim', 'report', 'release']);
    expect(message).toContain('did you mean "labels"?');
  });

  test('that keeps in float what is not there names the nearest, before anything is quantized', async () => {
    job({ keep_float: ['Gemmm'] });
    const { stages, code, message } = await ran();
    expect(stages).toEqual(['claim', 'convert', 'report', 'release']);
    expect(code).toBe('BadOption');
    expect(message).toMatch(/option keep_float: "Gemmm".*; the nearest (is|are) "Gemm"/);
  });
});

describe('a variant that was asked for and does not come out', () => {
  const everything = ['Conv', 'MatMul', 'Gemm', 'Add', 'Relu', 'MaxPool'];
  const keptNames = async (): Promise<string[]> => {
    const source = fileSource(model);
    const { facts } = await convertFile({ source, path: at('x.onnx'), options: {}, weights: 'embed' });
    source.close();
    const there = facts.operators.map(({ operator }) => operator);
    return everything.filter((name) => there.includes(name));
  };

  test('is exit code 1, though FP32 did', async () => {
    job({ dtype: ['fp32', 'int8'], keep_float: await keptNames() });
    const { code, err, out } = await printed('run', model, '-o', at('out'), '--json');
    expect([code, err]).toEqual([1, expect.stringContaining('NothingToQuantize: int8: ')]);
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'NothingToQuantize' },
      results: [{ verdict: 'warn', failed: [{ variant: 'int8', code: 'NothingToQuantize' }] }],
    });
    expect(readdirSync(at('out')).sort()).toEqual(['graph.html', 'model.onnx', 'report.html', 'report.json']);
  });

  test('is none when nobody chose the types and there is nothing to quantize', async () => {
    job({ keep_float: await keptNames() });
    expect(await printed('run', model, '-o', at('out'))).toMatchObject({ code: 0 });
  });
});

describe('the command line', () => {
  test.each([
    ['conver', /there is no command "conver"; did you mean "convert"\?/],
    ['convert x.pt2 --opst 13', /there is no option "--opst"; did you mean "--opset"\?/],
    ['convert x.pt2 --opst=13', /did you mean "--opset"\?/],
    ['convert x.pt2 --nothing-like-it', /the options are --output, --opset/],
  ])('%s: a suggestion', async (line, expected) => {
    expect(await printed(...line.split(' '))).toMatchObject({ code: 2, err: expect.stringMatching(expected) });
  });

  test('names options as they were written', async () => {
    expect((await printed('convert', model, '--opset', '99')).err).toContain('option --opset: "99"');
    expect((await printed('convert', model, '--input-names', 'a,b')).err).toContain('option --input-names: "a, b"');
    writeFileSync(at('other.json'), '{"input_names": ["a", "b"]}');
    expect((await printed('convert', model, '--job', at('other.json'))).err).toContain('option input_names: "a, b"');
  });

  test.each(['quantize', 'validate'])('%s of a PyTorch file says which command is meant', async (command) => {
    const { code, err } = await printed(command, model);
    expect(code).toBe(1);
    expect(err).toContain(`UnsupportedFormat: "${model}" is a torch.export program`);
    expect(err).toContain(`torchferry convert ${model}`);
    expect(readFileSync(model).equals(readFileSync(DIGITS))).toBe(true);
  });

  test('validate --against a PyTorch file likewise', async () => {
    await printed('convert', model);
    const { err } = await printed('validate', at('net.onnx'), '--against', model);
    expect(err).toContain(`UnsupportedFormat: "${model}" is a torch.export program`);
  });

  test('validate with a wrong name of labels', async () => {
    await printed('convert', model);
    const x = memoryData('float32', [1, 1, 8, 8], new Uint8Array(256));
    const y = memoryData('int64', [1], new Uint8Array(8));
    writeFileSync(at('data.npz'), await writeNpz(Object.entries({ x, labels: y })));
    const { code, err } = await printed('validate', at('net.onnx'), '--data', at('data.npz'), '--labels', 'lables');
    expect([code, err]).toEqual([1, expect.stringContaining('did you mean "labels"?')]);
  });

  test('int8 with calibration data that cannot be read leaves nothing', async () => {
    writeFileSync(at('data.npz'), 'this is no archive');
    job({ calibration: 'data.npz' });
    const ran = await printed('convert', model, '--dtype', 'int8', '--job', at('net.job.json'), '-o', at('made/'));
    expect(ran).toMatchObject({ code: 1, err: expect.not.stringContaining('converting') });
  });
});

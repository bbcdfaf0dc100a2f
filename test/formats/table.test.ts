/** A format is a row: what is added through the table is found, read and refused like the others. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { memorySource } from '../../shared/bytes/byte-source.ts';
import type { Format } from '../../shared/formats/format.ts';
import { magic, refused } from '../../shared/formats/matching.ts';
import { identify, open, openProgram } from '../../shared/formats/open.ts';
import {
  FORMATS,
  isNamed,
  MODEL_SUFFIXES,
  ONNX_SUFFIXES,
  PYTORCH_SUFFIXES,
  suffixesOf,
} from '../../shared/formats/table.ts';
import type { TorchProgram } from '../../shared/torch/program.ts';

const empty = (format: string): TorchProgram => ({
  name: 'dummy',
  producer: { format, torchVersion: null, schemaVersion: null },
  graph: { inputs: [], outputs: [], nodes: [], values: new Map() },
  inputs: [],
  outputs: [],
  weights: new Map(),
  symbols: new Map(),
  guards: { conditions: [], unread: [] },
  warnings: [],
  sampleInputs: () => Promise.resolve(null),
});

const DUMMY: Format = {
  kind: 'program',
  name: 'dummy program',
  suffixes: ['.dummy'],
  matches: magic('DUMMY'),
  found: 'a dummy program',
  hint: 'convert it first',
  find: (_file, format) => Promise.resolve({ read: () => Promise.resolve(empty(format)) }),
};
const file = memorySource('model.bin', Buffer.from('DUMMY!'));

test('a row with a reader is a format that opens', async () => {
  const formats = [DUMMY, ...FORMATS];
  expect((await openProgram(file, formats)).producer.format).toBe('dummy program');
  expect(await identify(file, formats)).toMatchObject({ format: 'dummy program', found: 'a dummy program' });
  expect(suffixesOf(formats)).toEqual(['.dummy', ...MODEL_SUFFIXES]);
});

test('a row without one is a format that is refused in its words', async () => {
  const formats = [{ ...refused('dummy', magic('DUMMY'), 'a dummy'), hint: 'bring something better' }, ...FORMATS];
  await expect(openProgram(file, formats)).rejects.toMatchObject({
    name: 'UnsupportedFormat',
    message: '"model.bin" is a dummy; bring something better',
  });
});

test('the first row that matches speaks', async () => {
  expect((await open(file, [refused('first', () => true, 'first'), DUMMY])).format).toBe('first');
});

test('names that mean a model, in any case', () => {
  expect(MODEL_SUFFIXES).toEqual(['.pt2', '.pt', '.pth', '.onnx']);
  expect(PYTORCH_SUFFIXES).toEqual(['.pt2', '.pt', '.pth']);
  expect(ONNX_SUFFIXES).toEqual(['.onnx']);
  expect(isNamed('a/NET.PT2', MODEL_SUFFIXES)).toBe(true);
  expect(isNamed('a/net.pt2.json', MODEL_SUFFIXES)).toBe(false);
});

test('an ONNX model is told by its content, however its file is called', async () => {
  // ir_version 10, then doc_string.
  const source = memorySource('model.pt', Buffer.from([0x08, 0x0a, 0x32, 0x02, 0x68, 0x69]));
  expect((await open(source)).kind).toBe('onnx');
});

test('the table loads no reader', () => {
  const url = new URL('../../shared/formats/table.ts', import.meta.url).href;
  const loaded = execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { registerHooks } from 'node:module';
       registerHooks({ load: (url, context, next) => { console.log(url); return next(url, context); } });
       await import(${JSON.stringify(url)});`,
    ],
    { encoding: 'utf8' },
  );
  const files = loaded
    .trim()
    .split('\n')
    .map((line) => line.replace(/^.*\/shared\//, ''));
  const own = ['formats/matching.ts', 'formats/others.ts', 'formats/pytorch.ts', 'formats/table.ts'];
  expect(files.sort()).toEqual(['bytes/text.ts', ...own]);
});

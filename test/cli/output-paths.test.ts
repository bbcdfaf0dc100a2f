/** Where results go: nothing that is there is replaced by surprise, and two results never share a name. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../cli/commands.ts';
import type { OptionValues, Outcome } from '../../cli/command.ts';
import { folderNames } from '../../cli/files.ts';
import { silent } from '../../cli/progress.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { quantizeFile } from '../../shared/steps/quantize-file.ts';

const DIGITS = resolve(import.meta.dirname, '../../examples/digits/digits_cnn.pt2');

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const model = (...names: string[]): string => {
  mkdirSync(at(...names.slice(0, -1)), { recursive: true });
  copyFileSync(DIGITS, at(...names));
  return at(...names);
};
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'torchferry-outputs-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = async (command: string, files: string[], options: OptionValues = {}): Promise<Outcome> =>
  (await COMMANDS[command]!.load()).run({ files, options, progress: silent, signal: new AbortController().signal });
const refused = (file: string, problem: string): object => ({ code: 'BadOutput', details: { file, problem } });

describe('an output is never', () => {
  test('the input', async () => {
    const file = model('two.pt2');
    await expect(run('convert', [file], { output: file })).rejects.toMatchObject(
      refused(file, `it is "${file}", which is read`),
    );
    expect(readFileSync(file).equals(readFileSync(DIGITS))).toBe(true);
  });

  test('the input under another name', async () => {
    const file = model('two.pt2');
    symlinkSync(file, at('link.onnx'));
    await expect(run('convert', [file], { output: at('link.onnx') })).rejects.toMatchObject({ code: 'BadOutput' });
  });

  test('another file that is read', async () => {
    const file = model('two.pt2');
    writeFileSync(at('job.json'), '{}');
    await expect(run('convert', [file], { job: at('job.json'), output: at('job.json') })).rejects.toMatchObject(
      refused(at('job.json'), `it is "${at('job.json')}", which is read`),
    );
  });

  test('the input of another model', async () => {
    const [one, two] = [model('m.pt2'), model('m.onnx')];
    await expect(run('convert', [one, two, model('three.pt2')])).rejects.toMatchObject({ code: 'BadOutput' });
    expect(readFileSync(two).equals(readFileSync(DIGITS))).toBe(true);
  });

  test.skipIf(process.platform === 'win32')('a device', async () => {
    await expect(run('convert', [model('two.pt2')], { output: '/dev/null' })).rejects.toMatchObject(
      refused('/dev/null', 'it is no regular file'),
    );
  });

  test('the input of a step', async () => {
    const file = model('two.pt2');
    const source = fileSource(file);
    const converted = (path: string): Promise<unknown> => convertFile({ source, path, options: {}, weights: 'embed' });
    await expect(converted(file)).rejects.toMatchObject({ code: 'BadOutput' });
    await converted(at('two.onnx'));
    source.close();
    const before = readFileSync(at('two.onnx'));
    await expect(
      quantizeFile({
        model: at('two.onnx'),
        path: at('two.onnx'),
        approach: 'dynamic',
        format: 'QDQ',
        weights: 'embed',
        workFolder: folder,
      }),
    ).rejects.toMatchObject({ code: 'BadOutput' });
    expect(readFileSync(at('two.onnx')).equals(before)).toBe(true);
  });
});

describe('two results of one name', () => {
  test.each([
    [
      'of two folders',
      [
        ['a', 'model.pt2'],
        ['b', 'model.pt2'],
      ],
      'out',
    ],
    ['of two endings', [['m.pt'], ['m.pt2']], undefined],
  ])('%s are an error that names both, before any work', async (_, names, output) => {
    const files = names.map((name) => model(...name));
    const options = output === undefined ? {} : { output: at(output) };
    await expect(run('convert', files, options)).rejects.toMatchObject({
      code: 'BadOutput',
      details: { problem: `both "${files[0]!}" and "${files[1]!}" would be written there` },
    });
    expect(existsSync(at('out'))).toBe(false);
  });

  test('the same file twice is one file', async () => {
    const file = model('m.pt2');
    const outcome = await run('convert', [file, file]);
    expect(outcome.facts).toMatchObject({ results: [{ file }] });
  });

  test('no two models share a folder of results', () => {
    const files = ['/a_b/x.pt2', '/a/b/x.pt2'];
    const folderOf = folderNames(files);
    expect(new Set(files.map(folderOf)).size).toBe(2);
  });
});

test('a folder keeps its sub-folders, also when it holds one model', async () => {
  for (const name of ['a', 'b']) model('models', name, 'net.pt2');
  await run('convert', [at('models')], { output: at('out') });
  expect([at('out', 'a', 'net.onnx'), at('out', 'b', 'net.onnx')].map((path) => existsSync(path))).toEqual([
    true,
    true,
  ]);
  model('one', 'deep', 'net.pt2');
  await run('convert', [at('one')], { output: at('single') });
  expect(existsSync(at('single', 'deep', 'net.onnx'))).toBe(true);
});

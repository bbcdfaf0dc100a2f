/** Names of files on the command line, and of the folders made for them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderNames, modelFiles, onnxFiles, pathsOf, pytorchFiles } from '../../cli/files.ts';

test('a folder is searched for what the command takes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-files-'));
  try {
    for (const name of ['a.PT2', 'b.pth', 'c.onnx', 'c.onnx.data', 'job.json', 'x.npz'])
      writeFileSync(join(folder, name), '');
    const found = (names: readonly string[]): string[] => names.map((name) => join(folder, name));
    expect(pathsOf(modelFiles([folder]))).toEqual(found(['a.PT2', 'b.pth', 'c.onnx']));
    expect(pathsOf(pytorchFiles([folder]))).toEqual(found(['a.PT2', 'b.pth']));
    expect(pathsOf(onnxFiles([folder]))).toEqual(found(['c.onnx']));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [['m/net.pt2'], ['net']],
  [
    ['m/net.pt2', 'm/other.onnx'],
    ['net', 'other'],
  ],
  [
    ['m/net.pt2', 'm/net.onnx'],
    ['net.pt2', 'net.onnx'],
  ],
  [
    ['a/net.pt2', 'b/net.pt2', 'c.pt2'],
    ['a_net.pt2', 'b_net.pt2', 'c'],
  ],
])('folders of %j', (files, folders) => expect(files.map(folderNames(files))).toEqual(folders));

/** Weights that are only linked are read by nobody before the model runs: validation holds them against their records. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { openZip } from '../../shared/bytes/zip.ts';
import { convertFile } from '../../shared/steps/convert-file.ts';
import { validateFile } from '../../shared/steps/validate-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'torchferry-linked-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a damaged weight that an ONNX model links to is found', async () => {
  const [program, path] = [join(folder, 'm.pt2'), join(folder, 'm.onnx')];
  copyFileSync(join(import.meta.dirname, 'linked.pt2'), program);
  const source = fileSource(program);
  const { written } = await convertFile({ source, path, options: {}, weights: 'link' });
  const record = (await openZip(source)).entries.find(({ name }) => name.endsWith('data/weights/weight_0'))!;
  const { start } = (await record.slice()).origin;
  source.close();
  expect(written.linked).toEqual(['m.pt2']);

  const validate = () => validateFile({ model: path, now: () => performance.now() });
  expect((await validate()).checks.filter((check) => !check.passed)).toEqual([]);

  const bytes = readFileSync(program);
  bytes[start + 100]! ^= 1;
  writeFileSync(program, bytes);
  await expect(validate()).rejects.toMatchObject({
    code: 'CorruptArchive',
    message: expect.stringContaining('data/weights/weight_0" is damaged: its CRC-32 is'),
  });
});

/** What `torchferry ops` says of opsets against what conversion does with PyTorch's operator database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openCorpus } from '../../bench/corpus.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { convertProgram } from '../../shared/convert/convert.ts';
import { supportAt } from '../../shared/convert/opset-limits.ts';
import { CONVERTERS } from '../../shared/convert/registry.ts';
import { isFailure } from '../../shared/errors.ts';
import { openProgram } from '../../shared/formats/open.ts';

const corpus = openCorpus(join(import.meta.dirname, '../conformance/opinfo'))!;
const folder = mkdtempSync(join(tmpdir(), 'torchferry-opsets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Operators refused because of the opset, over the whole corpus. */
async function refusedAt(opset: number): Promise<string[]> {
  const refused = new Set<string>();
  for (const { file } of corpus.cases) {
    if (!file) continue;
    const source = fileSource(join(corpus.folder, file));
    try {
      convertProgram(await openProgram(source), { opset_version: opset });
    } catch (error) {
      if (isFailure(error, 'UnsupportedOpset')) refused.add(/(\w+::[\w.]+)/.exec(error.details.at)![1]!);
      if (isFailure(error, 'UnsupportedArgument') && error.details.argument === 'opset_version')
        refused.add(error.details.operator);
    } finally {
      source.close();
    }
  }
  return [...refused].sort();
}

// im2col of an empty image needs a shape with a literal zero.
const BY_SAMPLE = ['aten::im2col'];

test.each([13, 17, 26])('opset %i: every operator that is refused for it is listed', async (opset) => {
  const unlisted = (await refusedAt(opset)).filter(
    (target) => supportAt(CONVERTERS.get(target)?.facts.limits ?? [], opset) === 'all' && !BY_SAMPLE.includes(target),
  );
  expect(unlisted).toEqual([]);
});

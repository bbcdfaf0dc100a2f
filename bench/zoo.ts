/**
 * A corpus converted by two checkouts: which files differ, how many nodes each has, and what one run of a model that
 * changed takes against what it took. `node bench/zoo.ts --before CHECKOUT --corpus DIR [--filter RE] [--all]`
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { fileSource } from '../shared/bytes/file-source.ts';
import { convertFile } from '../shared/steps/convert-file.ts';
import { measureLatency } from '../shared/runtime/latency.ts';
import { openSession } from '../shared/runtime/session.ts';
import { memoryData } from '../shared/tensor/data.ts';
import { decodeNumbers, encodeNumbers } from '../shared/tensor/numbers.ts';
import { readNpz } from '../shared/tensor/npz.ts';
import { type Case, openCorpus } from './corpus.ts';

const { values } = parseArgs({
  options: {
    before: { type: 'string' },
    corpus: { type: 'string' },
    filter: { type: 'string', default: '' },
    all: { type: 'boolean', default: false },
  },
});
const corpus = values.corpus === undefined ? null : openCorpus(values.corpus);
const before = resolve(values.before ?? '', 'shared/steps/convert-file.ts');
if (!corpus || values.before === undefined || !existsSync(before)) {
  console.error('give a checkout with its node_modules (--before) and a folder with an index.jsonl (--corpus)');
  process.exit(2);
}

interface Made {
  readonly path: string;
  readonly nodes: number;
  readonly hash: string;
}

/** Null where it is refused. */
async function made(convert: typeof convertFile, file: string, path: string): Promise<Made | null> {
  const source = fileSource(file);
  try {
    const { facts } = await convert({ source, path, options: {}, weights: 'embed' });
    return { path, nodes: facts.onnxNodes, hash: createHash('sha256').update(readFileSync(path)).digest('hex') };
  } catch {
    return null;
  } finally {
    source.close();
  }
}

/** One run of the second model over one of the first, on the case's own inputs. */
async function latencyRatio(row: Case, first: string, second: string): Promise<number> {
  const source = fileSource(join(corpus!.folder, row.npz));
  const [session, fp32] = [await openSession(second, { threads: 1 }), await openSession(first, { threads: 1 })];
  try {
    const arrays = await readNpz(source);
    const stored = row.inputs.flatMap(({ shape }, i) => (shape === null ? [] : [arrays.get(`input_${i}`)!]));
    const feeds = new Map(
      await Promise.all(
        session.inputs.map(async ({ name, type }, i) => {
          const { data } = stored[i]!;
          const bytes = encodeNumbers(type.dtype, decodeNumbers(data.dtype, await data.read()));
          return [name, memoryData(type.dtype, data.shape, bytes)] as const;
        }),
      ),
    );
    const request = { session, fp32, feeds, batch: 1, now: () => performance.now() };
    return (await measureLatency(request)).ratioToFp32!;
  } finally {
    source.close();
    await Promise.all([session.release(), fp32.release()]);
  }
}

// The same function of another checkout.
const { convertFile: earlier } = (await import(pathToFileURL(before).href)) as { convertFile: typeof convertFile };
const folder = mkdtempSync(join(tmpdir(), 'torchferry-zoo-'));
const [sums, ratios] = [{ models: 0, same: 0, before: 0, after: 0 }, [] as number[]];
try {
  for (const row of corpus.cases.filter((c) => c.file !== null && new RegExp(values.filter).test(c.name))) {
    const file = join(corpus.folder, row.file!);
    const [was, is] = [
      await made(earlier, file, join(folder, 'before.onnx')),
      await made(convertFile, file, join(folder, 'after.onnx')),
    ];
    if (!was || !is) {
      if (was || is)
        console.log(`${row.name}  ${was ? 'converted' : 'refused'} before, ${is ? 'converted' : 'refused'} after`);
      continue;
    }
    const isSame = was.hash === is.hash;
    sums.models++;
    sums.before += was.nodes;
    sums.after += is.nodes;
    if (isSame) sums.same++;
    if (isSame && !values.all) continue;
    // Inputs of two names cannot be fed alike.
    const ratio = await latencyRatio(row, was.path, is.path).catch(() => NaN);
    if (Number.isFinite(ratio)) ratios.push(ratio);
    console.log(
      `${row.name}  nodes ${was.nodes} -> ${is.nodes}, latency x ${ratio.toFixed(3)}${isSame ? ', same file' : ''}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const mean = ratios.length ? Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length) : 1;
console.log(
  `${sums.models} models: ${sums.same} files are the same, nodes ${sums.before} -> ${sums.after}; ` +
    `latency of ${ratios.length} models x ${mean.toFixed(3)} (geometric mean)`,
);

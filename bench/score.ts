/** The scoreboard: conformance corpora through convert and onnxruntime, beside torch.onnx's own figures. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HOW_COMPARED } from './agreement.ts';
import { type Corpus, openCorpus } from './corpus.ts';
import { type CaseResult, runCase, type Verdict } from './run-case.ts';

const VERDICTS: readonly Verdict[] = ['right', 'refused', 'wrong', 'broken', 'absent'];
const OWN_CORPUS = new URL('../test/conformance/opinfo', import.meta.url).pathname;

const { values } = parseArgs({
  options: {
    corpus: { type: 'string', multiple: true },
    filter: { type: 'string' },
    opset: { type: 'string' },
    output: { type: 'string', default: 'scoreboard.json' },
    gaps: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

interface Row {
  readonly corpus: string;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly total: number;
  readonly torchOnnx: number;
  readonly cases: readonly CaseResult[];
}

async function score(corpus: Corpus, folder: string): Promise<Row> {
  const filter = new RegExp(values.filter ?? '');
  // Second samples of an entry are run but are no entries of their own.
  const rows = corpus.cases.filter((c) => filter.test(c.name));
  const cases: CaseResult[] = [];
  for (const row of rows) {
    const result = await runCase(corpus, row, { folder, ...(values.opset ? { opset: Number(values.opset) } : {}) });
    cases.push(result);
    if (values.verbose && result.verdict !== 'right')
      console.log(`  ${result.verdict.padEnd(8)} ${result.name}  ${result.reason}`);
  }
  const count = (verdict: Verdict): number => cases.filter((c) => c.verdict === verdict).length;
  return {
    corpus: corpus.name,
    counts: Object.fromEntries(VERDICTS.map((v) => [v, count(v)])) as Record<Verdict, number>,
    total: rows.length,
    torchOnnx: rows.filter((r) => r.torch_onnx === 'ok').length,
    cases,
  };
}

const folders = values.corpus ?? [OWN_CORPUS];
const folder = mkdtempSync(join(tmpdir(), 'torchferry-score-'));
const rows: Row[] = [];
try {
  for (const path of folders) {
    const corpus = openCorpus(path);
    if (!corpus) {
      console.error(`no index.jsonl in ${path}`);
      process.exitCode = 2;
      continue;
    }
    rows.push(await score(corpus, folder));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const header = ['corpus', ...VERDICTS.map((v) => (v === 'broken' ? 'could not run' : v)), 'total', 'torch.onnx right'];
const table = [
  header,
  ...rows.map((r) => [r.corpus, ...VERDICTS.map((v) => String(r.counts[v])), String(r.total), String(r.torchOnnx)]),
];
const widths = header.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
for (const line of table)
  console.log(line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '));
console.log(HOW_COMPARED);
writeFileSync(values.output, `${JSON.stringify({ compared: HOW_COMPARED, corpora: rows }, null, 2)}\n`);
console.log(`every case is in ${values.output}`);
if (values.gaps)
  writeFileSync(
    values.gaps,
    `${JSON.stringify(Object.fromEntries(rows.flatMap((r) => r.cases).flatMap(gapOf)), null, 2)}\n`,
  );

/**
 * What the tests expect of a case that is not right: its failure code, or the runtime's reason. Wrong results are never
 * expected.
 */
function gapOf({ name, verdict, reason }: CaseResult): [string, string][] {
  if (verdict === 'right' || verdict === 'absent' || verdict === 'wrong') return [];
  return [[name, verdict === 'refused' ? reason.split(':')[0]! : 'broken: converted, but this runtime cannot run it']];
}

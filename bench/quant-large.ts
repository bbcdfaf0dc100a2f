/** Models as people have them, ours beside onnxruntime's tool: decibels, what quantizing costs, latency. */
import { join } from 'node:path';
import { geometricMean } from './median.ts';
import { costLine, isBuilt } from './quant-cost.ts';
import { latencyRatio } from './quant-latency.ts';
import { lossesOf, ours, WAYS } from './quant-loss.ts';
import { madeModels, type Subject } from './quant-models.ts';
import { toolFiles } from './quant-tool.ts';

export interface LargeRequest {
  readonly python: string;
  readonly folder: string;
  /** Where the models are kept, or are already. */
  readonly models: string;
  /** Which of them; all where none is named. */
  readonly names: readonly string[];
  readonly rounds: { readonly cost: number; readonly latency: number };
}

interface Files {
  readonly subject: Subject;
  /** By the names of `WAYS`. */
  readonly own: readonly string[];
  readonly theirs: ReadonlyMap<string, string>;
}

export async function benchLarge(request: LargeRequest): Promise<void> {
  const { python, folder, names } = request;
  const made: Files[] = [];
  for (const subject of await madeModels(python, request.models, names)) {
    const own: string[] = [];
    for (const [i, way] of Object.values(WAYS).entries())
      own.push(await ours(subject, way, join(folder, `${subject.name}.${i}.onnx`)));
    made.push({ subject, own, theirs: toolFiles(python, subject, folder) });
  }
  if (made.length === 0) return;
  await printLosses(made);
  await printLatencies(made, request.rounds.latency);
  if (!isBuilt()) return console.log('SKIPPED: the cost of quantizing (npm run build)');
  console.log('quantizing as a whole process, with 32 samples, median of the ratios (ours / theirs)');
  for (const { subject } of made)
    console.log(`${subject.name}: ${await costLine(subject, { python, folder, rounds: request.rounds.cost })}`);
}

async function printLosses(made: readonly Files[]): Promise<void> {
  const names = [...Object.keys(WAYS), "onnxruntime's tool"];
  console.log(`| model | ${names.join(' | ')} |\n| --- |${' --- |'.repeat(names.length)}`);
  for (const { subject, own, theirs } of made) {
    const tool = theirs.get('QDQ');
    const cells = await lossesOf(tool === undefined ? own : [...own, tool], subject);
    console.log(`| ${subject.name} | ${cells.join(' | ')} |`);
  }
}

async function printLatencies(made: readonly Files[], rounds: number): Promise<void> {
  console.log("one run on one thread, ours over the faster of the tool's files, medians of pairs");
  const ratios: number[] = [];
  for (const { subject, own, theirs } of made) {
    const found = await latencyRatio(own[0]!, theirs, { samples: subject.samples, rounds });
    ratios.push(found.processor);
    console.log(
      `${subject.name}: ${found.processor.toFixed(3)} of processor time (${found.ours.toFixed(2)} / ` +
        `${found.theirs.toFixed(2)} ms, ${found.best}), ${found.wall.toFixed(3)} of time`,
    );
  }
  console.log(`geometric mean ${geometricMean(ratios).toFixed(3)}, at most ${Math.max(...ratios).toFixed(3)}`);
}

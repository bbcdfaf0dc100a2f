/** Models as people have them, ours beside onnxruntime's tool: decibels, what quantizing costs, latency. */
import { join } from 'node:path';
import { geometricMean } from './median.ts';
import { costLine, isBuilt } from './quant-cost.ts';
import { type Forms, latencyRatio } from './quant-latency.ts';
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
  readonly forms: Forms;
  readonly theirs: Forms;
}

export async function benchLarge(request: LargeRequest): Promise<void> {
  const { python, folder, names } = request;
  const made: Files[] = [];
  for (const subject of await madeModels(python, request.models, names)) {
    const own: string[] = [];
    for (const [i, way] of Object.values(WAYS).entries())
      own.push(await ours(subject, way, join(folder, `${subject.name}.${i}.onnx`)));
    const forms = new Map([
      ['QDQ', own[0]!],
      ['QLinear', await ours(subject, { format: 'QLinear' }, join(folder, `${subject.name}.qlinear.onnx`))],
    ]);
    made.push({ subject, own, forms, theirs: toolFiles(python, subject, folder) });
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
  console.log("one run on one thread, the faster of our forms over the faster of the tool's, medians of pairs");
  const ratios: number[] = [];
  for (const { subject, forms, theirs } of made) {
    const {
      ours: own,
      theirs: other,
      ...found
    } = await latencyRatio(forms, theirs, { samples: subject.samples, rounds });
    ratios.push(found.processor);
    console.log(
      `${subject.name}: ${found.processor.toFixed(3)} of processor time (${own.form} ${own.milliseconds.toFixed(2)} / ` +
        `${other.form} ${other.milliseconds.toFixed(2)} ms), ${found.wall.toFixed(3)} of time`,
    );
  }
  console.log(`geometric mean ${geometricMean(ratios).toFixed(3)}, at most ${Math.max(...ratios).toFixed(3)}`);
}

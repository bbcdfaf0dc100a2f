/** What quantizing a model costs as a whole process, ours beside onnxruntime's tool. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './median.ts';
import { BUILT_CLI, type Cost, costOf } from './process-cost.ts';
import type { Subject } from './quant-models.ts';
import { toolArguments } from './quant-tool.ts';

/** Ours runs as it is installed. */
export const isBuilt = (): boolean => existsSync(BUILT_CLI);

interface CostRequest {
  readonly python: string;
  readonly folder: string;
  /** The two take turns, so that whatever else the machine does meets both. */
  readonly rounds: number;
}

type Sides = readonly [ours: Cost, theirs: Cost];
const FIGURES = {
  time: { of: (cost) => cost.seconds, unit: 's', digits: 1 },
  'processor time': { of: (cost) => cost.processorSeconds, unit: 's', digits: 1 },
  memory: { of: (cost) => cost.megabytes, unit: 'MB', digits: 0 },
} as const satisfies Record<string, { of: (cost: Cost) => number; unit: string; digits: number }>;

/** A line: both sides and the median of their ratios. */
export async function costLine(subject: Pick<Subject, 'fp32' | 'calibration'>, request: CostRequest): Promise<string> {
  const { python, folder, rounds } = request;
  const { fp32, calibration } = subject;
  const runs: Sides[] = [];
  for (let round = 0; round < rounds; round++) {
    const theirs = await costOf(python, toolArguments(subject, join(folder, 'theirs.onnx')));
    const command = ['quantize', fp32, '--calibration', calibration, '-o', join(folder, 'ours.onnx')];
    runs.push([await costOf(process.execPath, [BUILT_CLI, ...command]), theirs]);
  }
  return Object.entries(FIGURES)
    .map(([name, { of, unit, digits }]) => {
      const [ours, theirs] = [0, 1].map((side) => median(runs.map((run) => of(run[side as 0 | 1]))).toFixed(digits));
      const ratio = median(runs.map(([own, other]) => of(own) / of(other)));
      return `${ratio.toFixed(2)}x the ${name} (${ours} / ${theirs} ${unit})`;
    })
    .join(', ');
}

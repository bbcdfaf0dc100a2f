/** What a job used of AWS: the times of its stages, by the memory that each had. */
import type { Usage } from '../../report/cost.ts';
import type { ReportedStage } from '../../report/report.ts';
import { FARGATE_SIZES, type FargateSizeName } from '../machine/fargate-sizes.ts';
import type { Stage } from '../machine/stage.ts';
import { STAGES } from '../machine/stages.ts';
import { FREE_STORAGE_MB, FREE_TASK_STORAGE_GIB, LEAST_TASK_SECONDS } from './prices.ts';
import { type JobPath, transitionsOf } from './transitions.ts';

// Lambda counts memory in binary and money in GB.
export const MB_OF_GB = 1024;

/** What a job used. `stages`: all that ran, the report too. */
export function usageOf(path: JobPath): Usage {
  const billed = path.stages.flatMap((stage) => stage.billed ?? []);
  // A function that was killed left no word: it had as much memory as the largest that did.
  const most = Math.max(0, ...billed.map(({ memoryMb }) => memoryMb));
  const times = path.stages.map((stage): StageTime => {
    const row: Stage = STAGES[stage.name as keyof typeof STAGES];
    const memoryMb = stage.billed?.memoryMb ?? Math.max(row.memoryMb, most);
    return { seconds: secondsOf(stage), memoryMb, storageMb: Math.max(0, row.temporaryMb - FREE_STORAGE_MB) };
  });
  const [tasks, functions] = [times.filter(isOfTask), times.filter((each) => !isOfTask(each))];
  const requests = (name: 's3Writes' | 's3Reads'): number | null =>
    billed.length ? billed.reduce((n, each) => n + each[name], 0) : null;
  return {
    gbSeconds: sum(functions, ({ seconds, memoryMb }) => (seconds * memoryMb) / MB_OF_GB),
    storageGbSeconds: sum(functions, ({ seconds, storageMb }) => (seconds * storageMb) / MB_OF_GB),
    invocations: functions.length,
    // Each task has a choice before it, whether it is one.
    transitions: transitionsOf(path) + tasks.length,
    events: 1,
    s3Writes: requests('s3Writes'),
    s3Reads: requests('s3Reads'),
    ...(tasks.length ? tasksUsage(tasks) : {}),
  };
}

interface StageTime {
  readonly seconds: number;
  readonly memoryMb: number;
  /** Of a function. */
  readonly storageMb: number;
}

const sum = (times: readonly StageTime[], value: (each: StageTime) => number): number =>
  times.reduce((n, each) => n + value(each), 0);

// No function has as much memory as the smallest task.
const taskOf = ({ memoryMb }: StageTime): (typeof FARGATE_SIZES)[FargateSizeName] | undefined =>
  Object.values(FARGATE_SIZES).find((size) => size.memoryMb === memoryMb);
const isOfTask = (time: StageTime): boolean => taskOf(time) !== undefined;

/** From the start of its process on; fetching the image before is billed too, and not known here. */
function tasksUsage(tasks: readonly StageTime[]): Pick<Usage, 'taskVcpuHours' | 'taskGbHours' | 'taskStorageGbHours'> {
  const hours = ({ seconds }: StageTime): number => Math.max(LEAST_TASK_SECONDS, seconds) / 3600;
  const storage = (each: StageTime): number => Math.max(0, taskOf(each)!.storageGib - FREE_TASK_STORAGE_GIB);
  return {
    taskVcpuHours: sum(tasks, (each) => hours(each) * taskOf(each)!.vcpus),
    taskGbHours: sum(tasks, (each) => (hours(each) * each.memoryMb) / MB_OF_GB),
    taskStorageGbHours: sum(tasks, (each) => hours(each) * storage(each)),
  };
}

// Lambda bills a beginning millisecond as a whole one.
const secondsOf = ({ startMs, endMs, billed }: ReportedStage): number =>
  Math.ceil(Math.max(0, endMs - startMs) + (billed?.initMs ?? 0)) / 1000;

/** Seconds of a job where nothing waits: variants run side by side, what is not of a variant before and after them. */
export function longestChain(stages: readonly ReportedStage[]): number {
  const totals = new Map<string | null, number>();
  for (const stage of stages) totals.set(stage.variant, (totals.get(stage.variant) ?? 0) + secondsOf(stage));
  const variants = [...totals].flatMap(([variant, seconds]) => (variant === null ? [] : [seconds]));
  return (totals.get(null) ?? 0) + Math.max(0, ...variants);
}

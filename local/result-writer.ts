/**
 * What a Distributed Map leaves in a bucket: a manifest and one file for each way an item ended, as Step Functions
 * writes them.
 */
import type { Json, ResultWriter } from '../shared/pipeline/machine/asl.ts';
import type { Visit } from './execution.ts';
import { StatesError } from './states-error.ts';

export interface ChildExecution {
  readonly Status: 'SUCCEEDED' | 'FAILED' | 'PENDING' | 'ABORTED';
  readonly Input: Json;
  readonly Name: string;
  readonly Output?: Json;
  readonly Error?: string;
  readonly Cause?: string;
  readonly StartDate?: string;
  readonly StopDate?: string;
}

// An item that was stopped because others failed has not been done: it is listed with those that never started.
const FILES = { SUCCEEDED: ['SUCCEEDED'], FAILED: ['FAILED'], PENDING: ['PENDING', 'ABORTED'] } as const;

type Transformation = NonNullable<ResultWriter['WriterConfig']>['Transformation'];

// Failed executions are always written whole.
const TRANSFORM: Readonly<Record<Transformation, (child: ChildExecution) => readonly Json[]>> = {
  NONE: (child) => [whole(child)],
  COMPACT: (child) => [child.Output ?? null],
  FLATTEN: (child) => (Array.isArray(child.Output) ? (child.Output as readonly Json[]) : [child.Output ?? null]),
};

/** Input and output are JSON texts inside the JSON. */
const whole = ({ Input, Output, ...child }: ChildExecution): Json => ({
  ...child,
  Input: JSON.stringify(Input),
  InputDetails: { Included: true },
  ...(Output === undefined ? {} : { Output: JSON.stringify(Output), OutputDetails: { Included: true } }),
  RedriveCount: 0,
});

interface Results {
  readonly children: readonly ChildExecution[];
  readonly bucket: string;
  readonly prefix: string;
  readonly mapRun: string;
}

export async function writeResults(
  visit: Visit,
  writer: ResultWriter,
  { bucket, prefix, mapRun, children }: Results,
): Promise<Json> {
  const { Transformation: transformation = 'NONE', OutputType: type = 'JSON' } = writer.WriterConfig ?? {};
  const { files } = visit.frame.environment;
  const folder = `${prefix.replace(/\/$/, '')}/${mapRun}`;
  const machine = visit.frame.context.StateMachine.Name;
  const MapRunArn = `arn:aws:states:local:000000000000:mapRun:${machine}/${visit.name}:${mapRun}`;
  const ResultFiles: Record<string, { Key: string; Size: number }[]> = {};
  try {
    for (const [name, statuses] of Object.entries(FILES)) {
      const chosen = children.filter((child) => (statuses as readonly string[]).includes(child.Status));
      const rows = chosen.flatMap((child) =>
        name === 'SUCCEEDED' ? TRANSFORM[transformation](child) : [whole(child)],
      );
      ResultFiles[name] = [];
      if (!rows.length) continue;
      const text = type === 'JSONL' ? rows.map((row) => `${JSON.stringify(row)}\n`).join('') : JSON.stringify(rows);
      const Key = `${folder}/${name}_0.${type.toLowerCase()}`;
      await files.write(bucket, Key, text);
      ResultFiles[name].push({ Key, Size: Buffer.byteLength(text) });
    }
    await files.write(
      bucket,
      `${folder}/manifest.json`,
      JSON.stringify({ DestinationBucket: bucket, MapRunArn, ResultFiles }),
    );
  } catch (thrown) {
    throw thrown instanceof StatesError
      ? thrown
      : new StatesError('States.ResultWriterFailed', (thrown as Error).message);
  }
  return { MapRunArn, ResultWriterDetails: { Bucket: bucket, Key: `${folder}/manifest.json` } };
}

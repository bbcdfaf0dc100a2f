/** What a row of the table of stages says. */

/**
 * The buckets by role: models are dropped into `input`, results appear in `output`, `work` holds claims, facts and
 * batch records.
 */
export type BucketRole = 'input' | 'output' | 'work';

export interface Grant {
  readonly bucket: BucketRole;
  /** Keys that start with this; empty: the whole bucket. */
  readonly prefix: string;
  /**
   * `list` is also what lets S3 answer "not found" instead of "access denied"; `tag` goes with a `write` that has tags;
   * `scratch` is for objects that are made, copied from and deleted again.
   */
  readonly access: 'read' | 'write' | 'tag' | 'list' | 'scratch';
}

/**
 * Where a stage stands. The machines know the places; stages of one place follow each other in the order of the table.
 * The first of a job says what its variants are.
 */
export type Place = 'start' | 'job' | 'variant' | 'end' | 'failed' | 'batch';

/** So many MiB, and so many times the size of the model. */
export interface Needs {
  /** Memory that cannot be given back, and the weights that every run of a model reads. */
  readonly memory: { readonly fixedMb: number; readonly ofModel: number };
  /** In the temporary folder. */
  readonly files: { readonly fixedMb: number; readonly ofModel: number };
}

export interface Stage {
  readonly place: Place;
  /** Only for the variants that say so. */
  readonly only?: 'quantize';
  /** What is said while it runs. */
  readonly doing: string;
  /** What a reader of the report does about its warnings; null: it never warns. */
  readonly nextStep: string | null;
  /** Name of the placeholder in the state machine definition: `${ConvertFunction}`. */
  readonly functionName: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Size of the temporary folder. */
  readonly temporaryMb: number;
  readonly needsOnnxRuntime: boolean;
  /** What a model asks of it, as measured by bench:s3; left out: no more than it has. */
  readonly needs?: Needs;
  readonly grants: readonly Grant[];
}

const granting =
  (access: Grant['access']) =>
  (bucket: BucketRole, prefix = ''): Grant => ({ bucket, prefix, access });
export const read = granting('read');
export const write = granting('write');
export const tag = granting('tag');
export const list = granting('list');
export const scratch = granting('scratch');

/** The file of `stages/` that holds a stage: batchReport is in batch-report.ts. */
export const stageFile = (stage: string): string =>
  `${stage.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;

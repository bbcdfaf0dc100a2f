/** The table of failures: every way torchferry refuses, worded next to its code. Bugs are plain Error, never a code. */

export interface UnsupportedUse {
  readonly name: string;
  readonly count: number;
  /** Where it is first used: module path and source line as far as the file records them. */
  readonly at: string;
}

export interface JobProblem {
  /** As in JSON path: `criterion.minSqnr`; `$` for the whole file. */
  readonly path: string;
  readonly problem: string;
  readonly hint: string;
  /** Key of the file that is missing or unreadable, where it is one. */
  readonly file?: string;
}

const list = (items: readonly string[]): string => items.join(', ');
const uses = (operators: readonly UnsupportedUse[]): string =>
  operators.map((o) => `\n  ${o.name} (${o.count} use${o.count === 1 ? '' : 's'}, first at ${o.at})`).join('');

const MESSAGES = {
  AccessDenied: (d: { file: string; doing: string; problem: string }) =>
    `may not ${d.doing} "${d.file}" (${d.problem}); give the role of the pipeline the right to`,
  AccuracyNotMet: (d: { file: string; goal: string; nearest: string; hint: string }) =>
    `no quantized form of "${d.file}" was found that keeps ${d.goal}: ${d.nearest}; ${d.hint}`,
  BadCalibrationData: (d: { file: string; problem: string; expected: string }) =>
    `cannot calibrate with "${d.file}": ${d.problem}; expected ${d.expected}`,
  BadJob: (d: { file: string; problems: readonly JobProblem[] }) => {
    const lines = d.problems.map(({ path, problem, hint }) => `at "${path}": ${problem}${hint ? `; ${hint}` : ''}`);
    return lines.length === 1
      ? `job "${d.file}", ${lines[0]!}`
      : `job "${d.file}" has ${lines.length} problems:${lines.map((line) => `\n  ${line}`).join('')}`;
  },
  BadKey: (d: { key: string; problem: string }) =>
    `object key "${d.key.slice(0, 200)}" is refused: ${d.problem}; rename the object`,
  BadOption: (d: { option: string; value: string; expected: string }) =>
    `option ${d.option}: "${d.value}" is not valid; expected ${d.expected}`,
  BadOutput: (d: { file: string; problem: string; hint: string }) =>
    `cannot write "${d.file}": ${d.problem}; ${d.hint}`,
  BadReferenceData: (d: { file: string; problem: string; expected: string }) =>
    `cannot compare with "${d.file}": ${d.problem}; expected ${d.expected}`,
  BadUpload: (d: { file: string; problem: string; hint: string }) => `cannot take "${d.file}": ${d.problem}; ${d.hint}`,
  ConversionFailed: (d: { operator: string; at: string; reason: string }) =>
    `${d.operator} at ${d.at} could not be converted: ${d.reason}. Please report this; no model was written`,
  CorruptArchive: (d: { file: string; reason: string }) =>
    `cannot read "${d.file}": ${d.reason}; save the model again or upload it again`,
  CorruptModel: (d: { file: string; where: string; reason: string }) =>
    `"${d.file}" is not a valid model: ${d.where}: ${d.reason}`,
  CriterionMissed: (d: { file: string; missed: readonly string[] }) =>
    `"${d.file}" was made, but ${d.missed.join('; ')}`,
  FileNotFound: (d: { file: string }) => `there is no file "${d.file}"; check the path`,
  FileSystem: (d: { file: string; doing: string; errno: string; problem: string; hint: string }) =>
    `cannot ${d.doing} "${d.file}": ${d.problem} (${d.errno}); ${d.hint}`,
  FileReplaced: (d: { file: string }) =>
    `"${d.file}" was replaced or deleted while it was being read; the new upload has its own job`,
  JobTakenOver: (d: { job: string }) =>
    `job ${d.job} was started again by another execution, or is completed; look at "torchferry status"`,
  LimitExceeded: (d: { file: string; what: string; found: number | string; limit: number | string }) =>
    `"${d.file}": ${d.what} is ${d.found}, the limit is ${d.limit}`,
  MalwareFound: (d: { file: string }) =>
    `GuardDuty found malware in "${d.file}": nothing read it, and it stays where it is; delete it`,
  ModelDoesNotLoad: (d: { file: string; reason: string }) => `onnxruntime cannot load "${d.file}": ${d.reason}`,
  ModelDoesNotRun: (d: { file: string; reason: string }) => `onnxruntime cannot run "${d.file}": ${d.reason}`,
  ModelTooLarge: (d: {
    file: string;
    bytes: number;
    limit: number;
    stage: string;
    what: string;
    needed: number;
    there: number;
    hint: string;
  }) =>
    `"${d.file}" has ${d.bytes} bytes: the ${d.stage} stage takes about ${d.needed} MiB of ${d.what} for it, where ` +
    `${d.there} are, enough for ${d.limit} bytes; ${d.hint}`,
  NoWeights: (d: { file: string; reason: string }) =>
    `"${d.file}" carries no weights: ${d.reason}; save the program with its real parameters ` +
    '(torch.export.save outside FakeTensorMode)',
  NotScanned: (d: { file: string; status: string; reason: string }) =>
    `GuardDuty did not scan "${d.file}" (${d.status}): ${d.reason}; nothing read it`,
  NothingToJudgeBy: (d: { file: string; problem: string; hint: string }) =>
    `cannot find out how to quantize "${d.file}" by its accuracy: ${d.problem}; ${d.hint}`,
  /** `floats`: what computes in other types than float32. */
  NothingToQuantize: (d: { file: string; skipped: readonly string[]; floats?: string | null }) =>
    `no operator of "${d.file}" can be quantized` +
    (d.floats ? `: ${d.floats}` : d.skipped.length ? `: ${list(d.skipped)}` : ''),
  OutputInUse: (d: { folder: string; who: string; lock: string }) =>
    `${d.who} is writing to "${d.folder}"; wait for it or choose another folder (-o); if it is gone, ` +
    `delete "${d.lock}"`,
  QuantizedModelDiffers: (d: { file: string; problems: readonly string[] }) =>
    `the INT8 model "${d.file}" does not fit the FP32 graph:` +
    `${d.problems.map((problem) => `\n  ${problem}`).join('')}\n` +
    'nothing was written, because a layer would be wrong or stay in float; give the FP32 model it was quantized from',
  RecordedTypeDiffers: (d: { operator: string; value: string; recorded: string; lowered: string; at: string }) =>
    `${d.operator} at ${d.at}: PyTorch recorded ${d.recorded} for "${d.value}", the conversion gives ` +
    `${d.lowered}; no model was written because it could be wrong. Please report this operator`,
  RequestRefused: (d: { problem: string; hint: string }) => `the request is refused: ${d.problem}; ${d.hint}`,
  ScanPending: (d: { file: string }) =>
    `"${d.file}" has not been scanned for malware yet; when it is, jobs that wait for it start by themselves`,
  StorageRefused: (d: { file: string; doing: string; problem: string }) =>
    `S3 does not ${d.doing} "${d.file}": ${d.problem}`,
  StorageUnavailable: (d: { file: string; doing: string; problem: string }) =>
    `S3 could not ${d.doing} "${d.file}" now: ${d.problem}; try again later`,
  UnsafePickle: (d: { file: string; global: string }) =>
    `"${d.file}" asks for "${d.global}", which is not on the list of things a model file may name; ` +
    'nothing was run. Save tensors or an exported program instead',
  UnsupportedArgument: (d: { operator: string; argument: string; value: string; supported: string; at: string }) =>
    `${d.operator} at ${d.at}: ${d.argument} = ${d.value} cannot be converted; supported: ${d.supported}`,
  UnsupportedFormat: (d: { file: string; found: string; hint: string }) => `"${d.file}" is ${d.found}; ${d.hint}`,
  UnsupportedMutation: (d: { operator: string; value: string; at: string; reason: string }) =>
    `${d.operator} at ${d.at} changes memory in place, and "${d.value}" cannot be followed: ${d.reason}; ` +
    'copy the tensor first (clone) or export the program after run_decompositions()',
  UnsupportedOperator: (d: { operators: readonly UnsupportedUse[] }) =>
    `no converter for ${d.operators.length} ` +
    `operator${d.operators.length === 1 ? '' : 's'}:${uses(d.operators)}\nsee "torchferry ops" for what is supported`,
  UnsupportedOpset: (d: { operator: string; opset: number; needed: string; at: string }) =>
    `${d.operator} at ${d.at} cannot be written for opset ${d.opset}; ${d.needed}`,
  UnsupportedType: (d: { what: string; dtype: string; hint: string }) =>
    `${d.what}: dtype ${d.dtype} is not supported; ${d.hint}`,
  UploadTooLarge: (d: { file: string; bytes: number; limit: number }) =>
    `"${d.file}" has ${d.bytes} bytes or more, the limit is ${d.limit}; start the server with a larger --max-mb`,
  ValidationFailed: (d: { file: string; problems: readonly string[] }) =>
    `"${d.file}" failed validation: ${d.problems.join('; ')}`,
  WrongUsage: (d: { problem: string; hint: string }) => `${d.problem}; ${d.hint}`,
} satisfies Record<string, (details: never) => string>;

export type FailureCode = keyof typeof MESSAGES;
export type FailureDetails<C extends FailureCode> = Parameters<(typeof MESSAGES)[C]>[0];
export const FAILURE_CODES = Object.keys(MESSAGES) as readonly FailureCode[];

/** Typed, and yet not of the model: whoever runs the pipeline has to act. */
const OF_THE_SYSTEM: ReadonlySet<string> = new Set<FailureCode>([
  'AccessDenied',
  'FileSystem',
  'NotScanned',
  'ScanPending',
  'StorageRefused',
  'StorageUnavailable',
]);

/** Whether a failure is about what was uploaded, and not about the pipeline: a bad upload is no reason for an alarm. */
export const isOfTheUpload = (code: string): boolean => Object.hasOwn(MESSAGES, code) && !OF_THE_SYSTEM.has(code);

/** A refusal the user can act on. `name` is the code: it is what Step Functions matches and what `--json` prints. */
export class FerryError<C extends FailureCode = FailureCode> extends Error {
  readonly code: C;
  readonly details: FailureDetails<C>;
  constructor(code: C, details: FailureDetails<C>, cause?: unknown) {
    super((MESSAGES[code] as (d: FailureDetails<C>) => string)(details), cause === undefined ? undefined : { cause });
    this.name = code;
    this.code = code;
    this.details = details;
  }
}

/** Refuse with a typed failure. */
export function fail<C extends FailureCode>(code: C, details: FailureDetails<C>, cause?: unknown): never {
  throw new FerryError(code, details, cause);
}

export function isFailure<C extends FailureCode>(error: unknown, code?: C): error is FerryError<C> {
  return error instanceof FerryError && (code === undefined || error.code === code);
}

/** What the operating system says no to, and what to do about it. */
const ERRNOS: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  EACCES: ['this user may not', 'change its permissions or choose another place'],
  EBUSY: ['it is in use', 'try again when it is not'],
  EDQUOT: ['the quota of the disk is used up', 'free space or choose another place'],
  EEXIST: ['something of that name is in the way', 'remove it or choose another name'],
  EFBIG: ['the file system cannot hold so large a file', 'choose another place'],
  EIO: ['the disk reports an error', 'try again, or choose another disk'],
  EISDIR: ['it is a folder', 'name a file'],
  ELOOP: ['its links go round in a circle', 'name the file itself'],
  EMFILE: ['too many files are open', 'raise the limit (ulimit -n) or work on fewer models at a time'],
  ENAMETOOLONG: ['the name is too long', 'choose a shorter one'],
  ENFILE: ['too many files are open on this machine', 'close other programs'],
  ENOENT: ['it is not there', 'check the path'],
  ENOSPC: ['the disk is full', 'free space or choose another place'],
  ENOTDIR: ['a part of the path is no folder', 'check the path'],
  ENOTEMPTY: ['the folder is not empty', 'choose another one'],
  ENXIO: ['nothing is at its other end', 'name a regular file'],
  EPERM: ['the operating system forbids it', 'choose another place'],
  EROFS: ['the disk can only be read', 'choose another place'],
  ETXTBSY: ['it is being run', 'choose another name'],
  EXDEV: ['it lies on another disk', 'choose a place on the same disk'],
};

/** System calls whose names are no words. */
const DOING: Readonly<Record<string, string>> = {
  copyfile: 'copy',
  fstat: 'look at',
  fsync: 'write',
  futime: 'write',
  lstat: 'look at',
  mkdir: 'make the folder',
  mkdtemp: 'make the folder',
  opendir: 'list',
  rename: 'move',
  rmdir: 'remove the folder',
  scandir: 'list',
  stat: 'look at',
  unlink: 'remove',
};

interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
  readonly dest?: string;
}

/** An error of the file system as a failure; any other error as it is. For where errors leave. */
export function asFailure(error: unknown): unknown {
  if (!isSystemError(error)) return error;
  const [problem, hint] = ERRNOS[error.code]!;
  const { syscall, path, dest } = error;
  const details = {
    file: dest ?? path ?? 'a file',
    doing: DOING[syscall] ?? syscall,
    errno: error.code,
    problem,
    hint,
  };
  return new FerryError('FileSystem', details, error);
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'syscall' in error && 'code' in error && Object.hasOwn(ERRNOS, String(error.code));

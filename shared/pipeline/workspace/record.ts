/** What is written down about a job in the work bucket, so that between states only its id travels. */
import type { Content } from '../../formats/open.ts';
import type { Billed } from '../../report/cost.ts';
import type {
  Conversion,
  Failure,
  OperatorCount,
  ReportedFile,
  ReportedTensor,
  Validation,
} from '../../report/report.ts';
import type { Quantization } from '../../report/quantization.ts';
import type { RecordCheck } from '../../bytes/record-check.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { JobOptions } from '../job/job-schema.ts';
import type { ResolvedJob } from '../job/job.ts';
import type { VariantRequest } from '../job/variants.ts';

/** What the state machine passes from state to state. */
export interface Ticket {
  readonly id: string;
  readonly work: string;
  /** Key of the claim that this execution holds; null: the job was refused before there was one. */
  readonly claim: string | null;
}

/** `jobs/<id>/job.json`, written by Claim. */
export interface JobRecord extends ResolvedJob {
  readonly id: string;
  /** ISO time. */
  readonly created: string;
  readonly input: { readonly bucket: string; readonly key: string; readonly version: string; readonly bytes: number };
  /** Results are `<folder><name>` in this bucket. */
  readonly output: { readonly bucket: string; readonly folder: string };
  /** Key of the job file; null: none was found. */
  readonly config: string | null;
  readonly options: JobOptions;
  /** What the file is, by its content; null when that is not known. */
  readonly format: { readonly name: string; readonly kind: Content } | null;
}

/** A file that a stage made, where the next stage finds it. */
export interface StoredFile extends ReportedFile {
  readonly bucket: string;
  readonly name: string;
  /** null: parts of it were copied where it lies, and nobody read them yet. */
  readonly sha256: string | null;
  /** What whoever reads it first holds it against. */
  readonly checks?: readonly RecordCheck[];
}

/** Written by a stage when it ends, well or not: `jobs/<id>/facts/<stage>[.<variant>].json`. */
export interface StageFacts<T> {
  readonly stage: string;
  readonly variant: string | null;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly ended: number;
  /** What AWS bills of it besides its time, or would. */
  readonly billed?: Billed;
  readonly failure: Failure | null;
  /** null when it failed. */
  readonly facts: T | null;
}

export interface ConvertFacts {
  /** What is made in the end: those of the job, or the one that a program which is quantized already can become. */
  readonly variants: readonly VariantRequest[];
  /** null for a model that is ONNX already. */
  readonly conversion: Conversion | null;
  readonly operators: readonly OperatorCount[];
  /** The converted model: its .onnx first, then what its weights lie in. */
  readonly files: readonly StoredFile[];
  readonly warnings: readonly string[];
  readonly format: string;
  readonly torchVersion: string | null;
  readonly sha256: string | null;
  readonly inputs: readonly ReportedTensor[];
  /** The inputs that came in the PyTorch file, kept for validation; null when it has none for every input. */
  readonly examples: readonly StoredExample[] | null;
  /** Sizes that the program allows for its symbolic dimensions. */
  readonly ranges: Readonly<Record<string, { readonly min: number | null; readonly max: number | null }>>;
}

export interface StoredExample {
  readonly input: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly name: string;
}

export interface QuantizeFacts {
  readonly quantization: Quantization;
  readonly files: readonly StoredFile[];
  readonly operators: readonly OperatorCount[];
  readonly warnings: readonly string[];
}

export interface ValidateFacts {
  readonly validation: Validation;
}

/** What the stages write down for each other and for the report; of the others only the times are read. */
export interface FactsByStage {
  readonly convert: ConvertFacts;
  readonly quantize: QuantizeFacts;
  readonly validate: ValidateFacts;
}

/** What a variant travels with. */
export type VariantTicket = Pick<VariantRequest, 'name' | 'quantize'>;

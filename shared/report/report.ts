/** The report as data: what a job asked for, what ran, what came out. `report.json` is exactly this. */

import type { Against, Criterion, VariantDtype, Weights } from '../choices.ts';
import type { Changes } from './changes.ts';
import type { Billed, Cost } from './cost.ts';
import type { Quantization } from './quantization.ts';

export const REPORT_VERSION = 1;

export type Verdict = 'pass' | 'warn' | 'fail';

/** An option with where its value came from: a file is `found` by its name beside the model. */
export interface ReportedOption {
  readonly name: string;
  readonly value: unknown;
  readonly from: 'job' | 'found' | 'default';
}

export interface ReportedStage {
  readonly name: string;
  /** The variant it worked on, when it ran per variant. */
  readonly variant: string | null;
  /** Milliseconds since the job began. */
  readonly startMs: number;
  readonly endMs: number;
  readonly status: 'done' | 'failed' | 'skipped';
  /** Absent of a stage that was killed. */
  readonly billed?: Billed;
}

export interface ReportedTensor {
  readonly name: string;
  readonly dtype: string;
  /** Numbers, or names of symbolic dimensions. */
  readonly shape: readonly (number | string)[];
  /** Who chose the name, and what else the value is called in the program; of a conversion. */
  readonly named?: { readonly from: 'job' | 'program' | 'graph'; readonly aliases: readonly string[] };
}

export interface ReportedFile {
  /** Key in the output bucket, or path on this machine. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string | null;
}

/** Distances of one output from its reference, over all samples. */
export interface OutputComparison {
  readonly output: string;
  readonly dtype: string;
  readonly elements: number;
  readonly maxAbsDiff: number;
  readonly meanAbsDiff: number;
  /** Absent in reports of earlier versions. */
  readonly meanSquaredDiff?: number;
  /** null where it has no meaning (an output of zeros, no elements). */
  readonly cosine: number | null;
  /** Decibels; null where the two are equal. */
  readonly sqnr: number | null;
  /** Share of rows whose largest entry is at the same place; null for outputs without rows. */
  readonly top1Agreement: number | null;
  /** Whether rows may be scores of classes, so that the agreement means something; absent: not known, so they may. */
  readonly looksLikeScores?: boolean;
  /** The samples that are furthest off, worst first; absent where outputs do not tell samples apart. */
  readonly worst?: readonly WorstSample[];
  readonly withinTolerance: boolean | null;
}

export interface WorstSample {
  /** From 0, in the order of the data. */
  readonly sample: number;
  readonly maxAbsDiff: number;
  /** Place of the largest score: there, and in the model that is compared. Absent where these are no scores. */
  readonly largest?: { readonly reference: number; readonly actual: number };
}

export interface Comparison {
  /** What it was compared with. */
  readonly against: Against;
  readonly samples: number;
  readonly rtol: number;
  readonly atol: number;
  readonly outputs: readonly OutputComparison[];
}

/** What ran a model. */
export interface Machine {
  /** For people: `AMD EPYC, x64 with VNNI`. */
  readonly processor: string;
  /** null: not known. */
  readonly cores: number | null;
  /** Of onnxruntime's pool; null: not known. */
  readonly threads: number | null;
}

/** What the operators of one run take. */
export interface OperatorTimes {
  readonly runs: number;
  readonly threads: number;
  /** Of the model as onnxruntime optimized it, slowest first. */
  readonly operators: readonly OperatorTime[];
}

export interface OperatorTime {
  readonly operator: string;
  readonly nodes: number;
  /** Milliseconds of all its nodes in one run. */
  readonly ms: number;
}

export interface Latency {
  /** Median milliseconds of one run, interleaved with the FP32 model. */
  readonly medianMs: number;
  readonly runs: number;
  readonly batch: number;
  /** Median of the FP32 model in the same interleaved runs; null for FP32 itself. */
  readonly fp32MedianMs: number | null;
  /** `medianMs` divided by `fp32MedianMs`. */
  readonly ratioToFp32: number | null;
  readonly machine?: Machine;
}

export interface Accuracy {
  /** Share of samples whose label is the largest score, 0 to 1. */
  readonly top1: number;
  readonly correct: number;
  readonly samples: number;
}

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
}

/** Options of onnxruntime: `precise` is `session.x64quantprecision` = 1. */
export type Products = 'default' | 'precise';

/**
 * Sums of 8-bit products. x64 processors without VNNI add uint8 x int8 products in pairs of 16 bits by default, which
 * saturate; `precise` is what every other processor computes.
 */
export interface EightBitSums {
  /** What ran the model, for people: `x64 with VNNI`. */
  readonly processor: string;
  /** With which options the model was judged: those that give what the processor it is made for computes. */
  readonly judged: Products;
  /** The same samples with the other options; null where the processor gives the same with both. */
  readonly other: Pick<Validation, 'comparisons' | 'accuracy'> | null;
  /** Where weights are so large that some input saturates a sum. */
  readonly overflow: readonly OverflowingOperator[];
}

export interface OverflowingOperator {
  readonly node: string;
  readonly operator: string;
  /** Pairs of neighbouring weights that can overflow, of how many. */
  readonly overflowing: number;
  readonly pairs: number;
}

/** What the validation stage found for one model file. */
export interface Validation {
  readonly checks: readonly Check[];
  /** Where the inputs came from. */
  readonly data: 'archive' | 'file' | 'random';
  readonly samples: number;
  readonly comparisons: readonly Comparison[];
  readonly accuracy: Accuracy | null;
  readonly latency: Latency | null;
  /** Absent where nobody said where to profile. */
  readonly operatorTimes?: OperatorTimes;
  /** What onnxruntime makes of operators on codes; absent for a model without. */
  readonly kernels?: readonly QuantizedOperator[];
  /** Absent for a model without codes. */
  readonly sums?: EightBitSums;
  /** Absent where nobody gave what PyTorch's INT8 computes. */
  readonly int8?: EqualSamples;
  readonly runtime: { readonly name: string; readonly version: string };
}

/** How many samples have outputs that all equal those of PyTorch's INT8, one by one through the file as it is written. */
export interface EqualSamples {
  readonly samples: number;
  readonly equal: number;
  /** `equal` of `samples`. */
  readonly share: number;
  /** How far apart two numbers are that count as equal. */
  readonly atol: number;
  /** Of all outputs of all samples; NaN where one side alone has NaN or an infinity. */
  readonly maxAbsDiff: number;
}

/** An operator that a file means to be computed on codes, and whether onnxruntime does. */
export interface QuantizedOperator {
  readonly node: string;
  readonly operator: string;
  /** The integer kernel; null: it is computed in float, for `reason`. */
  readonly kernel: string | null;
  readonly reason: string | null;
  /** Where it comes from in PyTorch, as far as the file says. */
  readonly origin?: { readonly operator: string; readonly module: string; readonly line: string | null };
}

export interface OperatorCount {
  readonly operator: string;
  readonly count: number;
}

export interface PassResult {
  readonly pass: string;
  readonly changes: number;
}

/** What the convert stage did. */
export interface Conversion {
  readonly opset: number;
  readonly irVersion: number;
  readonly weights: Weights;
  readonly torchNodes: number;
  readonly onnxNodes: number;
  readonly operators: readonly OperatorCount[];
  readonly passes: readonly PassResult[];
  readonly inputs: readonly ReportedTensor[];
  readonly outputs: readonly ReportedTensor[];
  readonly parameters: number;
  readonly parameterBytes: number;
  /** Conditions on input sizes: `batch % 2 == 0`. Elsewhere PyTorch would have recorded another program. */
  readonly validFor?: readonly string[];
  /** PyTorch operators that may give something else than PyTorch where an input holds NaN. */
  readonly losesNaN?: readonly string[];
}

export interface Warning {
  readonly message: string;
  readonly nextStep: string;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly stage: string;
  readonly details: unknown;
}

export interface Variant {
  readonly name: string;
  readonly dtype: VariantDtype;
  readonly files: readonly ReportedFile[];
  readonly bytes: number;
  readonly sizeRatio: number | null;
  readonly operators: readonly OperatorCount[];
  readonly quantization: Quantization | null;
  readonly validation: Validation | null;
  readonly failure: Failure | null;
}

export interface ReportedModel {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string | null;
  readonly version: string | null;
  readonly format: string | null;
  readonly torchVersion: string | null;
}

export interface Report {
  readonly reportVersion: typeof REPORT_VERSION;
  readonly torchferry: string;
  readonly job: {
    readonly id: string;
    readonly created: string;
    readonly options: readonly ReportedOption[];
    readonly config: string | null;
  };
  readonly model: ReportedModel;
  readonly verdict: { readonly status: Verdict; readonly sentence: string };
  readonly conversion: Conversion | null;
  readonly variants: readonly Variant[];
  readonly chosen: string | null;
  /** What INT8 had to meet; absent when the job set nothing. */
  readonly criterion?: Criterion;
  /** Against the run before; absent where there was none. */
  readonly changes?: Changes;
  readonly stages: readonly ReportedStage[];
  /** An estimate; absent where nothing is known but the failure. */
  readonly cost?: Cost;
  readonly warnings: readonly Warning[];
  readonly failure: Failure | null;
  readonly environment: { readonly node: string; readonly platform: string; readonly onnxruntime: string | null };
  /** Commands that make the same files again. */
  readonly reproduce: readonly string[];
}

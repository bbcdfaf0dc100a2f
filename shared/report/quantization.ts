/** What the quantize stage did, as the report has it: layers, trials, blocks, and what was carried over from PyTorch. */
import type {
  AccuracyMetric,
  AdjustmentName,
  Approach,
  CodeTypes,
  DynamicActivations,
  QuantFormat,
  TuningBounds,
  WeightOnly,
} from '../choices.ts';

export interface LayerError {
  readonly layer: string;
  readonly operator: string;
  /** Dotted PyTorch module path; empty when not recorded. */
  readonly module: string;
  readonly sqnr: number | null;
  readonly maxAbsDiff: number;
}

export interface SkippedNode {
  readonly node: string;
  readonly operator: string;
  readonly reason: string;
}

/** What the quantize stage did. */
export interface Quantization {
  readonly approach: Approach;
  readonly format: QuantFormat;
  readonly calibration: { readonly method: string; readonly samples: number; readonly file: string } | null;
  readonly quantized: number;
  readonly skipped: readonly SkippedNode[];
  /** Worst first. */
  readonly layers: readonly LayerError[];
  /** Set where codes and scales are those of a quantized PyTorch model. */
  readonly transfer?: Transfer;
  /** Set where weights alone were quantized. */
  readonly blocks?: BlockedWeightFacts;
  /** Set where form, recipe and calibrator were found by trial. */
  readonly tuning?: Tuning;
  /** What was done so that quantization loses less; absent where nothing was. */
  readonly adjustments?: readonly Adjustment[];
}

/** One layer that was changed, or was to be. */
export interface Adjustment {
  readonly method: AdjustmentName;
  readonly layer: string;
  readonly operator: string;
  readonly module: string;
  /** What was done, or why nothing. */
  readonly what: string;
}

/** What was tried to keep accuracy, and what was taken. */
export interface Tuning {
  readonly metric: AccuracyMetric;
  /** What may be lost against FP32; null: anything. */
  readonly maxDrop: number | null;
  /** What must be there; null: anything. */
  readonly min: number | null;
  readonly data: { readonly file: string; readonly samples: number };
  /** Of FP32. */
  readonly fp32: { readonly measured: number | null };
  readonly bounds: TuningBounds;
  /** What ended it; null: there was nothing left to try. */
  readonly endedBy: keyof TuningBounds | null;
  readonly trials: readonly Trial[];
  /** Place of the one that was taken. */
  readonly chosen: number;
}

/** One way to quantize, made and measured. */
export interface Trial {
  /** The candidate. */
  readonly name: string;
  readonly layers: TrialLayers;
  /** By the metric; null: it has no number, because outputs are not finite. */
  readonly measured: number | null;
  /** Against FP32, in the unit of the metric; null: the metric is not measured so, or has no number. */
  readonly drop: number | null;
  readonly met: boolean;
  /** Smallest of the outputs, in decibels; null: not finite. */
  readonly sqnr: number | null;
  readonly bytes: number;
  readonly sha256: string | null;
  /** Median of a run, divided by that of FP32 in the same minutes; null: not measured. */
  readonly ratioToFp32: number | null;
  readonly medianMs: number | null;
  readonly seconds: number;
  /** Why there is no such model; null: there is. */
  readonly problem: string | null;
}

/** Which layers a trial quantizes: all, all but some, or a single one to see what damage it does. */
export type TrialLayers =
  | { readonly kind: 'all' }
  | { readonly kind: 'without'; readonly float: readonly string[] }
  | { readonly kind: 'only'; readonly layer: string };

/** Matrices in blocks of codes. */
export interface BlockedWeightFacts extends Pick<WeightOnly, 'bits' | 'blockSize' | 'symmetric' | 'algorithm'> {
  readonly elements: number;
  /** Of their codes, scales and zero points. */
  readonly bytes: number;
}

/** What was carried over from PyTorch's INT8, module by module. */
export interface Transfer {
  /** The quantized model. */
  readonly file: string;
  readonly types: CodeTypes;
  /** How dynamic modules round what they read; null: there are none. */
  readonly activations: DynamicActivations | null;
  readonly modules: readonly TransferredPart[];
  /** Operators without integer weights that PyTorch computed on codes: add, matmul, pooling ... */
  readonly operators: number;
}

export interface TransferredPart {
  readonly module: string;
  /** The node that has its weights; null for a module without. */
  readonly node: string | null;
  readonly mode: 'static' | 'dynamic' | 'weight-only';
  /** How many codes were copied, bit for bit. */
  readonly codes: number;
  /** Where the scale of its output was read; null: it gives float. */
  readonly scaleFrom: string | null;
}

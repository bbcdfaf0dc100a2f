/** All that a quantized state dict says: modules, values between them, what stayed float, where it disagrees. */
import type { TensorData } from '../../tensor/data.ts';
import type { CodeDtype, QParams } from '../../tensor/qparams.ts';
import type { QuantizedModule } from '../quantized-weights.ts';

/** Where a scale was read, in order of trust: scale_info comes last because it can be wrong. */
export const SCALE_SOURCES = {
  module: "the module's own scale and zero_point",
  stub: 'the QuantStub in front of the module',
  graph: 'the graph module: <module>_input_scale_N',
  best_configure: 'the operator in best_configure',
  scale_info: 'scale_info in best_configure',
} as const;
export type ScaleSource = keyof typeof SCALE_SOURCES;

/** Scale and zero point of a whole tensor, as numbers. */
export interface Affine {
  readonly dtype: CodeDtype;
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface SourcedAffine extends Affine {
  readonly from: ScaleSource;
}

export interface SavedModule extends QuantizedModule {
  /** Where input and output were read. An input of scale_info is a hint: its producer's output is what PyTorch uses. */
  readonly sources: { readonly input: ScaleSource | null; readonly output: ScaleSource | null };
}

/**
 * What FX graph mode keeps on the graph module: for functions (add, matmul), for what a float operator hands to a
 * quantized one, and for what enters from outside. `block1_scale_3` belongs to the fourth tensor observed in `block1`.
 */
export interface GraphValue {
  /** Of the scale, in the file. */
  readonly name: string;
  /** The module the tensor is made in (`output`) or first read in (`input`), dots as underscores; '' is the root. */
  readonly stem: string;
  /** That module's path; null where none or several fit. */
  readonly module: string | null;
  readonly place: 'input' | 'output';
  /** Counts the tensors of a stem in graph order; gaps are those whose qparams went into a module or are a copy. */
  readonly number: number;
  readonly qparams: QParams;
}

/** Computed in floating point in PyTorch. */
export interface FloatModule {
  readonly module: string;
  /** Its class in torch.nn, where best_configure names it. */
  readonly type: string | null;
  readonly parameters: readonly string[];
}

/** Two places of a file that disagree on one number. */
export interface QParamsDifference {
  readonly module: string;
  readonly place: 'input' | 'output';
  readonly used: SourcedAffine;
  /** Of scale_info, the output of a fused module was observed before its ReLU. */
  readonly other: SourcedAffine;
}

export type Approach = 'static' | 'dynamic' | 'qat';

export interface QuantizedModel {
  /** null where nothing says so; `static` may also be QAT in a file without best_configure. */
  readonly approach: Approach | null;
  /** Activations use 7 bits (`reduce_range`); null where the file does not say. */
  readonly reduceRange: boolean | null;
  /** Depth first, in the order FX graph mode first calls them; of eager mode as they were defined. */
  readonly modules: readonly SavedModule[];
  readonly values: readonly GraphValue[];
  readonly float: readonly FloatModule[];
  /** Floating-point parameters and buffers by name: those that training changed are nowhere else. */
  readonly parameters: ReadonlyMap<string, TensorData>;
  /** Every module the file names, also those without parameters. */
  readonly paths: readonly string[];
  readonly differences: readonly QParamsDifference[];
  /** Quantized parts that the table does not hold, and why. */
  readonly unread: readonly { readonly name: string; readonly reason: string }[];
}

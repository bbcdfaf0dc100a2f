/** How many positions a sliding window has along an axis: the sizes of convolutions and poolings. */
import { addDims, ceilDivDims, type Dim, floorDivDims, isStatic, mulDims, subDims } from '../../tensor/dim.ts';
import type { OpCall } from './row.ts';
import { size } from './shape-rules.ts';

export interface Window {
  readonly kernel: readonly Dim[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** [begins..., ends...] */
  readonly pads: readonly number[];
  readonly autoPad: string;
  /** Sizes are rounded up: a last window may hang over the end. */
  readonly ceil: boolean;
}

/** The window attributes of a convolution or pooling over `spatial` axes, with their defaults. */
export function windowOf(c: OpCall, spatial: number, kernel: readonly Dim[]): Window {
  const perAxis = (name: string, count: number, value: number): readonly number[] => {
    const given = c.row.attributes?.[name] ? c.ints(name) : null;
    if (given && given.length !== count)
      throw new Error(`${c.op}: ${given.length} ${name} for ${spatial} spatial axes`);
    return given ?? new Array<number>(count).fill(value);
  };
  if (kernel.length !== spatial)
    throw new Error(`${c.op}: a kernel of rank ${kernel.length} over ${spatial} spatial axes`);
  return {
    kernel,
    strides: perAxis('strides', spatial, 1),
    dilations: perAxis('dilations', spatial, 1),
    pads: perAxis('pads', 2 * spatial, 0),
    autoPad: c.row.attributes?.['auto_pad'] ? c.string('auto_pad') : 'NOTSET',
    ceil: Boolean(c.row.attributes?.['ceil_mode']) && c.int('ceil_mode') === 1,
  };
}

const reach = (kernel: Dim, dilation: number): Dim => addDims(mulDims(subDims(kernel, 1), dilation), 1);

/** Positions along every spatial axis of `dims`. */
export const slidingShape = (c: OpCall, dims: readonly Dim[], window: Window): Dim[] =>
  dims.map((dim, i) => size(c, positions(c, { dim, i }, window)));

function positions(c: OpCall, { dim, i }: { readonly dim: Dim; readonly i: number }, window: Window): Dim {
  const { kernel, strides, dilations, pads, autoPad } = window;
  const stride = strides[i]!;
  if (autoPad.startsWith('SAME')) return ceilDivDims(dim, stride);
  const [begin, end] = autoPad === 'VALID' ? [0, 0] : [pads[i]!, pads[kernel.length + i]!];
  const room = subDims(addDims(dim, begin, end), reach(kernel[i]!, dilations[i]!));
  if (isStatic(room) && room < 0)
    throw new Error(`${c.op}: the window does not fit into ${dim} with pads ${begin} and ${end}`);
  if (!window.ceil) return addDims(floorDivDims(room, stride), 1);
  const count = addDims(floorDivDims(addDims(room, stride - 1), stride), 1);
  const last = mulDims(subDims(count, 1), stride);
  // A last window that would start in the padding behind the data is dropped.
  if (isStatic(count) && isStatic(dim)) return (last as number) >= dim + begin ? count - 1 : count;
  const neverDropped = isStatic(kernel[i]!) && stride + end < (reach(kernel[i]!, dilations[i]!) as number) + 1;
  return neverDropped ? count : c.unknownDim();
}

/** The size along every spatial axis after a transposed convolution. */
export function transposedShape(
  c: OpCall,
  dims: readonly Dim[],
  { kernel, strides, dilations, pads, autoPad }: Window,
): Dim[] {
  const given = c.ints('output_shape');
  if (given) return [...given.slice(-dims.length)];
  const extra = c.ints('output_padding');
  return dims.map((dim, i) => {
    if (autoPad.startsWith('SAME')) return mulDims(dim, strides[i]!);
    const cut = autoPad === 'VALID' ? 0 : pads[i]! + pads[dims.length + i]!;
    return size(
      c,
      addDims(mulDims(subDims(dim, 1), strides[i]!), extra?.[i] ?? 0, reach(kernel[i]!, dilations[i]!), -cut),
    );
  });
}

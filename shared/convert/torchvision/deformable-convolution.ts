/** torchvision's deformable convolution: every tap of the kernel reads at a place of its own. */
import { addDims, type Dim, floorDivDims, mulDims } from '../../tensor/dim.ts';
import type { Value } from '../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../converter.ts';
import { cast, dtypeOf } from '../promote.ts';
import { reshape, shapeOf, staticSize } from '../shape.ts';

interface Window {
  readonly taps: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** The window along one side of the image, with the sizes of image and result. */
interface Side extends Window {
  readonly size: Dim;
  readonly out: Dim;
}

function sideOf(size: Dim, window: Window): Side {
  const span = window.dilation * (window.taps - 1) + 1;
  return { ...window, size, out: addDims(floorDivDims(addDims(size, 2 * window.padding - span), window.stride), 1) };
}

/** Where taps read along one side, counted from -1 to 1 over the image; `shaped` lays out taps and places as offsets. */
function places(
  op: AtenBuilder,
  offsets: Value,
  { side, shaped }: { readonly side: Side; readonly shaped: (taps: Dim, out: Dim) => readonly Dim[] },
): Value {
  const dtype = dtypeOf(offsets);
  const num = (value: number): Value => op.scalar(dtype, value);
  const first = op.Range([op.scalar('int64', 0), op.dim(side.out), op.scalar('int64', 1)]);
  const starts = op.Sub([op.Mul([first, op.scalar('int64', side.stride)]), op.scalar('int64', side.padding)]);
  const taps = op.ints(Array.from({ length: side.taps }, (_, i) => i * side.dilation));
  const regular = op.Add([reshape(op, starts, shaped(1, side.out)), reshape(op, taps, shaped(side.taps, 1))]);
  const size = cast(op, op.dim(side.size), dtype);
  // Further out everything is zero as well, and no index of a runtime overflows.
  const near = op.Max([op.Min([op.Add([cast(op, regular, dtype), offsets]), op.Add([size, num(1)])]), num(-2)]);
  return op.Sub([op.Div([op.Add([op.Mul([near, num(2)]), num(1)]), size]), num(1)]);
}

interface Kernel {
  readonly rows: Side;
  readonly columns: Side;
  /** Images times groups of offsets: each reads its channels at places of its own. */
  readonly readings: Dim;
}

/** (readings, taps x H, W, 2) from (N, groups x taps x 2, H, W), which has rows before columns. */
function samplingGrid(op: AtenBuilder, offset: Value, { rows, columns, readings }: Kernel): Value {
  const offsets = reshape(op, offset, [readings, rows.taps, columns.taps, 2, rows.out, columns.out]);
  const along = (which: number): Value => op.Gather([offsets, op.scalar('int64', which)], { axis: 3 });
  const y = places(op, along(0), { side: rows, shaped: (taps, out) => [taps, 1, out, 1] });
  const x = places(op, along(1), { side: columns, shaped: (taps, out) => [1, taps, 1, out] });
  const points = op.Concat(
    [x, y].map((v) => op.Unsqueeze([v, op.ints([5])])),
    { axis: 5 },
  );
  return reshape(op, points, [readings, mulDims(rows.taps * columns.taps, rows.out), columns.out, 2]);
}

/** The samples of all taps make a matrix that is multiplied by the weights, as im2col does it. */
export const deform_conv2d = aten(
  'torchvision::deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor',
  (op, a) => {
    const size = (dim: Dim, what: string): number => staticSize(op, dim, what);
    const window = (taps: Dim, stride: Dim, [padding, dilation]: readonly [Dim, Dim]): Window => ({
      taps: size(taps, 'weight'),
      stride: size(stride, 'stride'),
      padding: size(padding, 'padding'),
      dilation: size(dilation, 'dilation'),
    });
    const [images, channels, height, width] = shapeOf(a.input) as [Dim, Dim, Dim, Dim];
    const [filters, inGroup, kh, kw] = shapeOf(a.weight) as [Dim, Dim, Dim, Dim];
    const rows = sideOf(height, window(kh, a.stride_h, [a.pad_h, a.dilation_h]));
    const columns = sideOf(width, window(kw, a.stride_w, [a.pad_w, a.dilation_w]));
    const readings = mulDims(images, a.offset_groups);
    const channelsEach = size(channels, 'channels') / size(a.offset_groups, 'offset_groups');
    const samples = op.GridSample(
      [
        reshape(op, a.input, [readings, channelsEach, height, width]),
        samplingGrid(op, a.offset, { rows, columns, readings }),
      ],
      { mode: 'linear', padding_mode: 'zeros', align_corners: 0 },
    );
    const taps = rows.taps * columns.taps;
    const masked = a.use_mask
      ? op.Mul([samples, reshape(op, a.mask, [readings, 1, mulDims(taps, rows.out), columns.out])])
      : samples;
    const groups = size(a.groups, 'groups');
    const reduced = size(inGroup, 'weight') * taps;
    const product = op.MatMul([
      reshape(op, a.weight, [groups, size(filters, 'weight') / groups, reduced]),
      reshape(op, masked, [images, groups, reduced, mulDims(rows.out, columns.out)]),
    ]);
    const result = reshape(op, product, [images, filters, rows.out, columns.out]);
    return op.Add([result, reshape(op, a.bias, [filters, 1, 1])]);
  },
  { limits: [{ since: 16 }] },
);

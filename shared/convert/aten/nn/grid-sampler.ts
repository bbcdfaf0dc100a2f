/** ATen sampling grids: reading images at points, and the points of an affine map. */
import type { Value } from '../../../onnx/ir.ts';
import { aten, type AtenBuilder } from '../../converter.ts';
import { dtypeOf } from '../../promote.ts';
import { rankOf, reshape, staticSize, swapAxes } from '../../shape.ts';

const MODES = ['linear', 'nearest', 'cubic'] as const;
const PADDINGS = ['zeros', 'border', 'reflection'] as const;
type Sampling = Readonly<{
  input: Value;
  grid: Value;
  interpolation_mode: number;
  padding_mode: number;
  align_corners: boolean;
}>;

const sampled = (op: AtenBuilder, a: Sampling): Value =>
  op.GridSample([a.input, a.grid], {
    mode:
      rankOf(a.input) === 5 && a.interpolation_mode === 2
        ? op.aten.refuse('interpolation_mode', 'bicubic', 'bilinear or nearest for volumes')
        : (MODES[a.interpolation_mode] ?? op.aten.refuse('interpolation_mode', a.interpolation_mode, '0, 1 or 2')),
    padding_mode: PADDINGS[a.padding_mode] ?? op.aten.refuse('padding_mode', a.padding_mode, '0, 1 or 2'),
    align_corners: a.align_corners ? 1 : 0,
  });

const VOLUMES = { since: 20, when: 'volumes' } as const;
export const grid_sampler = [
  ...aten(
    'aten::grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor',
    sampled,
    { limits: [{ since: 16 }, VOLUMES] },
  ),
  ...aten(
    'aten::grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor',
    sampled,
    { limits: [{ since: 16 }] },
  ),
  ...aten(
    'aten::grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor',
    sampled,
    { limits: [VOLUMES] },
  ),
];

/** Points of the grid from -1 to 1 along each axis, last axis first, with a 1 for the shift. */
export const affine_grid_generator = aten(
  'aten::affine_grid_generator(Tensor theta, SymInt[] size, bool align_corners) -> Tensor',
  (op, { theta, size, align_corners }) => {
    const spatial = size.slice(2).map((d) => staticSize(op, d, 'size'));
    const line = (n: number): number[] =>
      Array.from({ length: n }, (_, i) => (n <= 1 ? 0 : align_corners ? (2 * i) / (n - 1) - 1 : (2 * i + 1) / n - 1));
    const lines = spatial.map(line);
    const count = spatial.reduce((x, y) => x * y, 1);
    const points: number[] = [];
    for (let n = 0; n < count; n++) {
      let rest = n;
      const point: number[] = [];
      for (let axis = spatial.length - 1; axis >= 0; axis--) {
        point.push(lines[axis]![rest % spatial[axis]!]!);
        rest = Math.floor(rest / spatial[axis]!);
      }
      points.push(...point, 1);
    }
    const base = op.tensor(dtypeOf(theta), [count, spatial.length + 1], points);
    return reshape(op, op.MatMul([base, swapAxes(op, theta, 1, 2)]), [size[0]!, ...spatial, spatial.length]);
  },
);

/**
 * Calls of operators with the types their inputs have and the types their results must have. Lower-case letters are
 * symbolic sizes. The runs of these calls in onnxruntime (inference-runs.test.ts) hold the types to what really comes out.
 */
import type { Builder } from '../../../shared/onnx/builder.ts';
import { Graph, type Value } from '../../../shared/onnx/ir.ts';
import { memoryData } from '../../../shared/tensor/data.ts';
import { dimOf } from './type-text.ts';

export interface InferenceCase {
  readonly name: string;
  readonly inputs: readonly string[];
  build(op: Builder, x: readonly Value[]): Value | readonly Value[];
  /** `?` is a size nobody can know before the model runs, null a type that cannot be told. */
  readonly types: readonly (string | null)[];
  /** onnxruntime has no kernel for it: only the type is looked at. */
  readonly norun?: true;
}

type Row = readonly [string, readonly string[], (op: Builder, ...x: Value[]) => Value | readonly Value[], readonly (string | null)[], 'norun'?];

const axis0 = { axis: 0 };
const INT64_MAX = 9223372036854775807n;
const open = (op: Builder): Value => op.tensor('int64', [1], [INT64_MAX]);
const opposite = (op: Builder): Value => op.tensor('int64', [1], [-INT64_MAX - 1n]);
const slice = (op: Builder, x: Value, start: number, end: Value | number, axis: number, step = 1): Value =>
  op.Slice([x, op.ints([start]), typeof end === 'number' ? op.ints([end]) : end, op.ints([axis]), op.ints([step])]);
const shape = (op: Builder, x: Value, at: number): Value => op.Gather([op.Shape([x]), op.ints([at])]);

const ELEMENTWISE: Row[] = [
  ['unary', ['float32[b,3]'], (op, x) => op.Sqrt([op.Abs([x])]), ['float32[b,3]']],
  ['IsNaN', ['float32[b,3]'], (op, x) => op.IsNaN([x]), ['bool[b,3]']],
  ['Not', ['bool[b,3]'], (op, x) => op.Not([x]), ['bool[b,3]']],
  ['Add broadcasts', ['float32[b,1,4]', 'float32[3,1]'], (op, x, y) => op.Add([x, y]), ['float32[b,3,4]']],
  ['Add with a symbol against a number', ['float32[b,s]', 'float32[b,1]'], (op, x, y) => op.Mul([x, y]), ['float32[b,s]']],
  ['Add of a scalar', ['float32[b,s]', 'float32[]'], (op, x, y) => op.Sub([x, y]), ['float32[b,s]']],
  ['Pow with an integer exponent', ['float32[b,3]', 'int64[]'], (op, x, y) => op.Pow([x, y]), ['float32[b,3]']],
  ['Mod', ['float32[b,3]', 'float32[3]'], (op, x, y) => op.Mod([x, y], { fmod: 1 }), ['float32[b,3]']],
  ['Max of three', ['float32[b,1]', 'float32[3]', 'float32[2,1,1]'], (op, x, y, z) => op.Max([x, y, z]), ['float32[2,b,3]']],
  ['Mean', ['float32[b,1]', 'float32[3]'], (op, x, y) => op.Mean([x, y]), ['float32[b,3]']],
  ['Less', ['float32[b,1]', 'float32[3]'], (op, x, y) => op.Less([x, y]), ['bool[b,3]']],
  ['And', ['bool[b,1]', 'bool[3]'], (op, x, y) => op.And([x, y]), ['bool[b,3]']],
  ['BitwiseAnd', ['int32[b,1]', 'int32[3]'], (op, x, y) => op.BitwiseAnd([x, y]), ['int32[b,3]']],
  ['BitShift', ['uint8[b,1]', 'uint8[3]'], (op, x, y) => op.BitShift([x, y], { direction: 'LEFT' }), ['uint8[b,3]']],
  ['Where', ['bool[b,1]', 'float32[3]', 'float32[]'], (op, c, x, y) => op.Where([c, x, y]), ['float32[b,3]']],
  ['Clip', ['float32[b,3]'], (op, x) => op.Clip([x, null, op.scalar('float32', 1)]), ['float32[b,3]']],
  ['PRelu', ['float32[b,3,4]', 'float32[3,1]'], (op, x, s) => op.PRelu([x, s]), ['float32[b,3,4]']],
  ['Softmax', ['float32[b,s]'], (op, x) => op.Softmax([x], { axis: 1 }), ['float32[b,s]']],
  ['Cast', ['float32[b,s]'], (op, x) => op.Cast([x], { to: 'int64' }), ['int64[b,s]']],
  ['CastLike', ['float32[b,s]', 'float64[]'], (op, x, y) => op.CastLike([x, y]), ['float64[b,s]']],
  ['BitCast', ['float32[b,s]'], (op, x) => op.BitCast([x], { to: 'int32' }), ['int32[b,s]']],
];

const SHAPES: Row[] = [
  ['Shape', ['float32[b,3,s]'], (op, x) => op.Shape([x]), ['int64[3]']],
  ['Shape from -1', ['float32[b,3,s]'], (op, x) => op.Shape([x], { start: -1 }), ['int64[1]']],
  ['Size', ['float32[b,3,s]'], (op, x) => op.Expand([op.scalar('float32', 1), op.Reshape([op.Size([x]), op.ints([1])])]), ['float32[3*b*s]']],
  ['Reshape with -1', ['float32[b,3,4]'], (op, x) => op.Reshape([x, op.ints([-1, 6])]), ['float32[2*b,6]']],
  ['Reshape with 0', ['float32[b,s,12]'], (op, x) => op.Reshape([x, op.ints([0, 0, 3, 4])]), ['float32[b,s,3,4]']],
  ['Reshape with 0 and -1', ['float32[b,s,12]'], (op, x) => op.Reshape([x, op.ints([0, -1, 3])]), ['float32[b,4*s,3]']],
  ['Reshape with a rest', ['float32[s]'], (op, x) => op.Reshape([op.Concat([x, x], axis0), op.ints([-1, 2])]), ['float32[s,2]']],
  ['Reshape that rounds', ['float32[2,e]'], (op, x) => op.Reshape([x, op.ints([-1, 4])]), ['float32[floordiv(e, 2),4]']],
  ['Reshape to a scalar', ['float32[1,1]'], (op, x) => op.Reshape([x, op.tensor('int64', [0], [])]), ['float32[]']],
  ['Reshape with symbols', ['float32[b,s,12]'], (op, x) => op.Reshape([x, op.Concat([shape(op, x, 1), op.ints([-1])], axis0)]), ['float32[s,12*b]']],
  [
    'Reshape by a sum of symbols',
    ['float32[b,s,12]'],
    (op, x) => {
      const long = op.Concat([x, slice(op, x, 0, 1, 1)], { axis: 1 });
      return op.Reshape([long, op.Concat([op.ints([-1]), shape(op, long, 1), op.ints([3])], axis0)]);
    },
    ['float32[4*b,s + 1,3]'],
  ],
  ['Reshape by a dynamic shape', ['float32[b,4]', 'int64[2]'], (op, x, s) => op.Reshape([x, s]), ['float32[?,?]'], 'norun'],
  ['Flatten', ['float32[b,3,s]'], (op, x) => op.Flatten([x]), ['float32[b,3*s]']],
  ['Flatten at 0', ['float32[b,3,s]'], (op, x) => op.Flatten([x], { axis: 0 }), ['float32[1,3*b*s]']],
  ['Flatten at the rank', ['float32[b,3,s]'], (op, x) => op.Flatten([x], { axis: 3 }), ['float32[3*b*s,1]']],
  ['Transpose', ['float32[b,3,s]'], (op, x) => op.Transpose([x], { perm: [2, 0, 1] }), ['float32[s,b,3]']],
  ['Transpose reverses', ['float32[b,3,s]'], (op, x) => op.Transpose([x]), ['float32[s,3,b]']],
  ['Squeeze', ['float32[1,b,1,s]'], (op, x) => op.Squeeze([x, op.ints([0, -2])]), ['float32[b,s]']],
  ['Squeeze of every 1', ['float32[1,3,1]'], (op, x) => op.Squeeze([x]), ['float32[3]']],
  ['Squeeze of symbols', ['float32[1,b,1]'], (op, x) => op.Squeeze([x]), [null]],
  ['Unsqueeze', ['float32[b,s]'], (op, x) => op.Unsqueeze([x, op.ints([0, -1])]), ['float32[1,b,s,1]']],
  ['Expand', ['float32[b,1]'], (op, x) => op.Expand([x, op.ints([3, 1, 4])]), ['float32[3,b,4]']],
  ['Expand to a symbol', ['float32[b,1]', 'float32[s]'], (op, x, y) => op.Expand([x, op.Concat([op.ints([1]), op.Shape([y])], axis0)]), ['float32[b,s]']],
  ['Tile', ['float32[b,3]'], (op, x) => op.Tile([x, op.ints([2, 4])]), ['float32[2*b,12]']],
  ['DepthToSpace', ['float32[b,8,h,w]'], (op, x) => op.DepthToSpace([x], { blocksize: 2 }), ['float32[b,2,2*h,2*w]']],
  ['SpaceToDepth', ['float32[b,2,e,e]'], (op, x) => op.SpaceToDepth([x], { blocksize: 2 }), ['float32[b,8,floordiv(e, 2),floordiv(e, 2)]']],
  ['Trilu', ['float32[b,s,4]'], (op, x) => op.Trilu([x]), ['float32[b,s,4]']],
  ['ReverseSequence', ['float32[4,b,2]'], (op, x) => op.ReverseSequence([x, op.Expand([op.ints([4]), shape(op, x, 1)])]), ['float32[4,b,2]']],
];

const PARTS: Row[] = [
  ['Concat', ['float32[b,3,s]', 'float32[b,3,2]'], (op, x, y) => op.Concat([x, y], { axis: -1 }), ['float32[b,3,s + 2]']],
  ['Concat that tells a symbol', ['float32[b,3]', 'float32[2,1]'], (op, x, y) => op.Concat([slice(op, x, 0, 2, 0), y], { axis: 1 }), ['float32[2,4]']],
  ['Split evenly', ['float32[b,6]'], (op, x) => op.Split([x], { axis: 1, num_outputs: 3 }, 3), ['float32[b,2]', 'float32[b,2]', 'float32[b,2]']],
  ['Split unevenly', ['float32[b,7]'], (op, x) => op.Split([x], { axis: 1, num_outputs: 3 }, 3), ['float32[b,3]', 'float32[b,3]', 'float32[b,1]']],
  ['Split by sizes', ['float32[b,7]'], (op, x) => op.Split([x, op.ints([5, 2])], { axis: -1 }, 2), ['float32[b,5]', 'float32[b,2]']],
  [
    'Split of a symbol',
    ['float32[s,2]'],
    (op, x) => op.Split([op.Concat([x, x], axis0)], { num_outputs: 2 }, 2),
    ['float32[s,2]', 'float32[s,2]'],
  ],
  ['Split of a symbol with a rest', ['float32[s,2]'], (op, x) => op.Split([x], { num_outputs: 2 }, 2), ['float32[-floordiv(-s, 2),2]', 'float32[floordiv(-s, 2) + s,2]']],
  ['Slice', ['float32[b,9]'], (op, x) => slice(op, x, 2, 7, 1, 2), ['float32[b,3]']],
  ['Slice past the end', ['float32[b,9]'], (op, x) => slice(op, x, 4, 100, 1), ['float32[b,5]']],
  ['Slice to the largest integer', ['float32[b,9]'], (op, x) => slice(op, x, -3, open(op), 1), ['float32[b,3]']],
  ['Slice of nothing', ['float32[b,9]'], (op, x) => slice(op, x, 5, 3, 1), ['float32[b,0]']],
  ['Slice off the first of a symbol', ['float32[b,s]'], (op, x) => slice(op, x, 1, open(op), 1), ['float32[b,s - 1]']],
  ['Slice off the last of a symbol', ['float32[b,s]'], (op, x) => slice(op, x, 0, -1, 1), ['float32[b,s - 1]']],
  ['Slice the last of a symbol', ['float32[b,s]'], (op, x) => slice(op, x, -1, open(op), 1), ['float32[b,1]']],
  ['Slice every second of a symbol', ['float32[b,s]'], (op, x) => slice(op, x, 0, open(op), 1, 2), ['float32[b,-floordiv(-s, 2)]']],
  ['Slice a symbol at a number it may not reach', ['float32[b,s]'], (op, x) => slice(op, x, 0, 3, 1), ['float32[b,?]']],
  ['Slice to a symbol', ['float32[b,s + 4]', 'float32[s]'], (op, x, y) => slice(op, x, 0, op.Shape([y]), 1), ['float32[b,s]']],
  ['Slice from a symbol', ['float32[b,s + 4]', 'float32[s]'], (op, x, y) => op.Slice([x, op.Shape([y]), open(op), op.ints([1])]), ['float32[b,4]']],
  ['Slice by a negative symbol', ['float32[b,s + 4]', 'float32[s]'], (op, x, y) => op.Slice([x, op.Neg([op.Shape([y])]), open(op), op.ints([1])]), ['float32[b,s]']],
  ['Slice backwards', ['float32[b,s]'], (op, x) => slice(op, x, -1, opposite(op), 1, -1), ['float32[b,s]']],
  ['Slice backwards by 2', ['float32[b,9]'], (op, x) => slice(op, x, 7, 1, 1, -2), ['float32[b,3]']],
  ['Slice without axes', ['float32[9,b]'], (op, x) => op.Slice([x, op.ints([1]), op.ints([4])]), ['float32[3,b]']],
  ['Slice by dynamic bounds', ['float32[b,9]', 'int64[1]'], (op, x, e) => slice(op, x, 0, e, 1), ['float32[b,?]']],
  ['Pad', ['float32[b,3,s]'], (op, x) => op.Pad([x, op.ints([0, 1, 2, 0, 1, 3])]), ['float32[b,5,s + 5]']],
  ['Pad of axes', ['float32[b,3,s]'], (op, x) => op.Pad([x, op.ints([1, 2]), null, op.ints([-2])], { mode: 'edge' }), ['float32[b,6,s]']],
  ['Pad with negative pads', ['float32[b,3,s]'], (op, x) => op.Pad([x, op.ints([0, 0, -1, 0, -1, 3])]), ['float32[b,2,s + 2]']],
];

const INDEXING: Row[] = [
  ['Gather', ['float32[b,9,4]', 'int64[s,2]'], (op, x, i) => op.Gather([x, i], { axis: 1 }), ['float32[b,s,2,4]']],
  ['Gather by a scalar', ['float32[b,9,4]'], (op, x) => op.Gather([x, op.scalar('int64', -1)], { axis: 1 }), ['float32[b,4]']],
  ['GatherElements', ['float32[b,9]', 'int64[b,3]'], (op, x, i) => op.GatherElements([x, i], { axis: 1 }), ['float32[b,3]']],
  ['GatherND', ['float32[b,9,4]', 'int64[s,2]'], (op, x, i) => op.GatherND([x, i]), ['float32[s,4]']],
  ['GatherND in batches', ['float32[b,9,4]', 'int64[b,s,1]'], (op, x, i) => op.GatherND([x, i], { batch_dims: 1 }), ['float32[b,s,4]']],
  ['ScatterElements', ['float32[b,9]', 'int64[b,2]', 'float32[b,2]'], (op, x, i, u) => op.ScatterElements([x, i, u], { axis: 1, reduction: 'add' }), ['float32[b,9]']],
  ['ScatterND', ['float32[9,b]', 'int64[s,1]', 'float32[s,b]'], (op, x, i, u) => op.ScatterND([x, i, u]), ['float32[9,b]']],
  ['TensorScatter', ['float32[b,2,9,4]', 'float32[b,2,3,4]'], (op, x, u) => op.TensorScatter([x, u]), ['float32[b,2,9,4]']],
  ['OneHot', ['int64[b,s]'], (op, x) => op.OneHot([x, op.scalar('int64', 5), op.tensor('float32', [2], [0, 1])]), ['float32[b,s,5]']],
  ['OneHot at the front', ['int64[b,s]'], (op, x) => op.OneHot([x, op.ints([5]), op.tensor('float32', [2], [0, 1])], axis0), ['float32[5,b,s]']],
  ['NonZero', ['float32[b,s]'], (op, x) => op.NonZero([x]), ['int64[2,?]']],
  ['Compress', ['float32[b,3]'], (op, x) => op.Compress([x, op.tensor('bool', [3], [1, 0, 1])], { axis: 1 }), ['float32[b,2]']],
  ['Compress of everything', ['float32[b,3]', 'bool[3]'], (op, x, c) => op.Compress([x, c]), ['float32[?]']],
  ['Unique', ['float32[b,3]'], (op, x) => op.Unique([x], {}, 4), ['float32[?]', 'int64[?]', 'int64[3*b]', 'int64[?]']],
  ['Unique rows', ['float32[b,3]'], (op, x) => op.Unique([x], { axis: 0 }, 3), ['float32[?,3]', 'int64[?]', 'int64[b]']],
  ['TopK', ['float32[b,9]'], (op, x) => op.TopK([x, op.ints([3])], {}, 2), ['float32[b,3]', 'int64[b,3]']],
  ['TopK of a symbol', ['float32[b,s + 4]', 'float32[s]'], (op, x, y) => op.TopK([x, op.Shape([y])], {}, 2), ['float32[b,s]', 'int64[b,s]']],
];

const CREATION: Row[] = [
  ['Constant', [], (op) => op.Constant([], { value_ints: [1, 2] }), ['int64[2]']],
  ['Constant tensor', [], (op) => op.Constant([], { value: memoryData('float32', [1, 2], new Uint8Array(8)) }), ['float32[1,2]']],
  ['ConstantOfShape', ['float32[b,s]'], (op, x) => op.ConstantOfShape([op.Shape([x])]), ['float32[b,s]']],
  ['ConstantOfShape of integers', ['float32[b,s]'], (op, x) => op.ConstantOfShape([op.Shape([x])], { value: memoryData('int32', [1], new Uint8Array(4)) }), ['int32[b,s]']],
  ['Range', [], (op) => op.Range([op.scalar('int64', 1), op.scalar('int64', 8), op.scalar('int64', 3)]), ['int64[3]']],
  ['Range downwards', [], (op) => op.Range([op.scalar('int64', 8), op.scalar('int64', 1), op.scalar('int64', -3)]), ['int64[3]']],
  ['Range of nothing', [], (op) => op.Range([op.scalar('int64', 8), op.scalar('int64', 1), op.scalar('int64', 3)]), ['int64[0]']],
  ['Range to a symbol', ['float32[s]'], (op, x) => op.Range([op.scalar('int64', 0), op.Squeeze([op.Shape([x])]), op.scalar('int64', 1)]), ['int64[s]']],
  ['Range of floats', [], (op) => op.Range([op.scalar('float32', 0), op.scalar('float32', 1), op.scalar('float32', 0.1)]), ['float32[10]']],
  ['EyeLike', ['int32[b,s]'], (op, x) => op.EyeLike([x], { dtype: 'float32' }), ['float32[b,s]']],
  ['RandomNormal', [], (op) => op.RandomNormal([], { shape: [2, 3] }), ['float32[2,3]']],
  ['RandomUniformLike', ['float32[b,s]'], (op, x) => op.RandomUniformLike([x], { dtype: 'float64' }), ['float64[b,s]']],
  ['Bernoulli', ['float32[b,s]'], (op, x) => op.Bernoulli([op.Sigmoid([x])], { dtype: 'bool' }), ['bool[b,s]']],
  ['Multinomial', ['float32[b,s]'], (op, x) => op.Multinomial([x], { sample_size: 4, dtype: 'int64' }), ['int64[b,4]']],
  ['HannWindow', [], (op) => op.HannWindow([op.scalar('int64', 9)]), ['float32[9]']],
  [
    'MelWeightMatrix',
    [],
    (op) => op.MelWeightMatrix([op.scalar('int64', 8), op.scalar('int64', 16), op.scalar('int64', 8192), op.scalar('float32', 0), op.scalar('float32', 4096)]),
    ['float32[9,8]'],
  ],
];

const REDUCTIONS: Row[] = [
  ['ReduceSum', ['float32[b,3,s]'], (op, x) => op.ReduceSum([x, op.ints([-1])], { keepdims: 0 }), ['float32[b,3]']],
  ['ReduceMean keeping dims', ['float32[b,3,s]'], (op, x) => op.ReduceMean([x, op.ints([0, 2])]), ['float32[1,3,1]']],
  ['ReduceMax of everything', ['float32[b,3,s]'], (op, x) => op.ReduceMax([x], { keepdims: 0 }), ['float32[]']],
  ['ReduceMin over nothing', ['float32[b,3,s]'], (op, x) => op.ReduceMin([x, op.tensor('int64', [0], [])], { noop_with_empty_axes: 1 }), ['float32[b,3,s]']],
  ['ReduceMax of bool', ['bool[b,3]'], (op, x) => op.ReduceMax([x, op.ints([1])], { keepdims: 0 }), ['bool[b]']],
  ['ArgMax', ['float32[b,3,s]'], (op, x) => op.ArgMax([x], { axis: 1 }), ['int64[b,1,s]']],
  ['ArgMin without the axis', ['float32[b,3,s]'], (op, x) => op.ArgMin([x], { axis: 1, keepdims: 0 }), ['int64[b,s]']],
  ['CumSum', ['float32[b,3,s]'], (op, x) => op.CumSum([x, op.scalar('int64', 1)]), ['float32[b,3,s]']],
  ['CumProd', ['float32[b,3,s]'], (op, x) => op.CumProd([x, op.scalar('int64', 1)]), ['float32[b,3,s]']],
];

const MATRICES: Row[] = [
  ['MatMul', ['float32[b,s,4]', 'float32[4,5]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,s,5]']],
  ['MatMul of vectors', ['float32[4]', 'float32[4]'], (op, x, y) => op.MatMul([x, y]), ['float32[]']],
  ['MatMul by a vector', ['float32[b,s,4]', 'float32[4]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,s]']],
  ['MatMul of a vector', ['float32[4]', 'float32[b,4,5]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,5]']],
  ['MatMul in batches', ['float32[b,1,s,4]', 'float32[3,4,s]'], (op, x, y) => op.MatMul([x, y]), ['float32[b,3,s,s]']],
  ['MatMulInteger', ['uint8[b,4]', 'int8[4,5]'], (op, x, y) => op.MatMulInteger([x, y]), ['int32[b,5]']],
  ['Gemm', ['float32[b,4]', 'float32[5,4]', 'float32[5]'], (op, x, y, z) => op.Gemm([x, y, z], { transB: 1 }), ['float32[b,5]']],
  ['Gemm transposed', ['float32[4,b]', 'float32[4,5]'], (op, x, y) => op.Gemm([x, y], { transA: 1 }), ['float32[b,5]']],
  ['Einsum', ['float32[b,s,4]', 'float32[b,n,4]'], (op, x, y) => op.Einsum([x, y], { equation: 'bid,bjd->bij' }), ['float32[b,s,n]']],
  ['Einsum with an ellipsis', ['float32[b,n,s,4]', 'float32[4,5]'], (op, x, y) => op.Einsum([x, y], { equation: '...id, de -> ...ie' }), ['float32[b,n,s,5]']],
  ['Einsum without an arrow', ['float32[s,4]', 'float32[4,b]'], (op, x, y) => op.Einsum([x, y], { equation: 'ij,jk' }), ['float32[s,b]']],
  ['Einsum trace', ['float32[b,4,4]'], (op, x) => op.Einsum([x], { equation: 'bii->b' }), ['float32[b]']],
  ['Det', ['float32[b,3,3]'], (op, x) => op.Det([x]), ['float32[b]']],
];

const CONVOLUTIONS: Row[] = [
  ['Conv', ['float32[b,3,h,w]', 'float32[8,3,3,3]'], (op, x, w) => op.Conv([x, w], { strides: [2, 2], pads: [1, 1, 1, 1] }), ['float32[b,8,floordiv(h + 1, 2),floordiv(w + 1, 2)]']],
  ['Conv dilated', ['float32[b,3,20]', 'float32[8,3,3]', 'float32[8]'], (op, x, w, z) => op.Conv([x, w, z], { dilations: [4], strides: [3] }), ['float32[b,8,4]']],
  ['Conv in groups', ['float32[b,4,h,w]', 'float32[4,1,3,3]'], (op, x, w) => op.Conv([x, w], { group: 4 }), ['float32[b,4,h - 2,w - 2]']],
  ['Conv same', ['float32[b,3,h,w]', 'float32[8,3,3,2]'], (op, x, w) => op.Conv([x, w], { auto_pad: 'SAME_UPPER', strides: [2, 1] }), ['float32[b,8,-floordiv(-h, 2),w]']],
  ['Conv valid', ['float32[b,3,h,w]', 'float32[8,3,3,2]'], (op, x, w) => op.Conv([x, w], { auto_pad: 'VALID' }), ['float32[b,8,h - 2,w - 1]']],
  ['ConvInteger', ['uint8[b,3,h,w]', 'uint8[8,3,1,1]'], (op, x, w) => op.ConvInteger([x, w]), ['int32[b,8,h,w]']],
  [
    'ConvTranspose',
    ['float32[b,3,h,w]', 'float32[3,8,4,4]'],
    (op, x, w) => op.ConvTranspose([x, w], { strides: [2, 2], pads: [1, 1, 1, 1] }),
    ['float32[b,8,2*h,2*w]'],
  ],
  [
    'ConvTranspose with output padding in groups',
    ['float32[b,4,7]', 'float32[4,2,3]'],
    (op, x, w) => op.ConvTranspose([x, w], { strides: [2], pads: [1, 1], output_padding: [1], dilations: [2], group: 2 }),
    ['float32[b,4,16]'],
  ],
  ['ConvTranspose to a size', ['float32[b,3,h]', 'float32[3,8,4]'], (op, x, w) => op.ConvTranspose([x, w], { strides: [2], output_shape: [13] }), ['float32[b,8,13]'], 'norun'],
  [
    'DeformConv',
    ['float32[b,3,7,7]', 'float32[8,3,3,3]', 'float32[b,18,5,5]'],
    (op, x, w, o) => op.DeformConv([x, w, o]),
    ['float32[b,8,5,5]'],
  ],
];

const POOLINGS: Row[] = [
  ['MaxPool', ['float32[b,3,h,w]'], (op, x) => op.MaxPool([x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, 2), ['float32[b,3,floordiv(h + 1, 2),floordiv(w + 1, 2)]', 'int64[b,3,floordiv(h + 1, 2),floordiv(w + 1, 2)]']],
  ['MaxPool rounding up', ['float32[b,3,8]'], (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [2], ceil_mode: 1 }), ['float32[b,3,4]']],
  ['MaxPool rounding up a symbol', ['float32[b,3,h]'], (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [2], ceil_mode: 1 }), ['float32[b,3,floordiv(h, 2)]']],
  ['MaxPool dropping a window in the padding', ['float32[b,3,5]'], (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1 }), ['float32[b,3,3]']],
  ['MaxPool that may drop a window', ['float32[b,3,h]'], (op, x) => op.MaxPool([x], { kernel_shape: [3], strides: [3], pads: [1, 1], ceil_mode: 1 }), ['float32[b,3,?]']],
  ['AveragePool', ['float32[b,3,h]'], (op, x) => op.AveragePool([x], { kernel_shape: [4], strides: [4] }), ['float32[b,3,floordiv(h, 4)]']],
  ['AveragePool same', ['float32[b,3,h]'], (op, x) => op.AveragePool([x], { kernel_shape: [3], strides: [2], auto_pad: 'SAME_LOWER' }), ['float32[b,3,-floordiv(-h, 2)]']],
  ['LpPool', ['float32[b,3,h,w]'], (op, x) => op.LpPool([x], { kernel_shape: [2, 2] }), ['float32[b,3,h - 1,w - 1]']],
  ['GlobalAveragePool', ['float32[b,3,h,w]'], (op, x) => op.GlobalAveragePool([x]), ['float32[b,3,1,1]']],
  ['GlobalMaxPool', ['float32[b,3,h]'], (op, x) => op.GlobalMaxPool([x]), ['float32[b,3,1]']],
  ['MaxUnpool', ['float32[b,3,4,4]', 'int64[b,3,4,4]'], (op, x, i) => op.MaxUnpool([x, i], { kernel_shape: [2, 2], strides: [2, 2] }), ['float32[b,3,8,8]']],
];

const channels = (op: Builder, value: number, count = 3): Value => op.tensor('float32', [count], new Array<number>(count).fill(value));

const NORMALIZATIONS: Row[] = [
  ['BatchNormalization', ['float32[b,3,h]'], (op, x) => op.BatchNormalization([x, channels(op, 1), channels(op, 0), channels(op, 0), channels(op, 1)]), ['float32[b,3,h]']],
  ['InstanceNormalization', ['float32[b,3,h]'], (op, x) => op.InstanceNormalization([x, channels(op, 1), channels(op, 0)]), ['float32[b,3,h]']],
  ['GroupNormalization', ['float32[b,4,h]'], (op, x) => op.GroupNormalization([x, channels(op, 1, 4), channels(op, 0, 4)], { num_groups: 2 }), ['float32[b,4,h]']],
  ['LayerNormalization', ['float32[b,s,3]'], (op, x) => op.LayerNormalization([x, channels(op, 1)], {}, 3), ['float32[b,s,3]', 'float32[b,s,1]', 'float32[b,s,1]']],
  ['RMSNormalization', ['float32[b,s,3]'], (op, x) => op.RMSNormalization([x, channels(op, 1)]), ['float32[b,s,3]']],
  ['LpNormalization', ['float32[b,s,3]'], (op, x) => op.LpNormalization([x]), ['float32[b,s,3]']],
  ['LRN', ['float32[b,3,h,w]'], (op, x) => op.LRN([x], { size: 3 }), ['float32[b,3,h,w]']],
  ['Dropout', ['float32[b,s]'], (op, x) => op.Dropout([x], {}, 2), ['float32[b,s]', 'bool[b,s]']],
];

const RECURRENT: Row[] = [
  ['LSTM', ['float32[s,b,4]', 'float32[1,20,4]', 'float32[1,20,5]'], (op, x, w, r) => op.LSTM([x, w, r], { hidden_size: 5 }, 3), ['float32[s,1,b,5]', 'float32[1,b,5]', 'float32[1,b,5]']],
  ['GRU in both directions', ['float32[s,b,4]', 'float32[2,15,4]', 'float32[2,15,5]'], (op, x, w, r) => op.GRU([x, w, r], { hidden_size: 5, direction: 'bidirectional' }, 2), ['float32[s,2,b,5]', 'float32[2,b,5]']],
  ['RNN', ['float32[s,b,4]', 'float32[1,5,4]', 'float32[1,5,5]'], (op, x, w, r) => op.RNN([x, w, r], { hidden_size: 5 }, 2), ['float32[s,1,b,5]', 'float32[1,b,5]']],
  ['LSTM with the batch first', ['float32[b,s,4]', 'float32[1,20,4]', 'float32[1,20,5]'], (op, x, w, r) => op.LSTM([x, w, r], { hidden_size: 5, layout: 1 }, 2), ['float32[b,s,1,5]', 'float32[b,1,5]'], 'norun'],
  ['Attention', ['float32[b,4,s,8]', 'float32[b,2,n,8]', 'float32[b,2,n,6]'], (op, q, k, v) => op.Attention([q, k, v]), ['float32[b,4,s,6]']],
  ['Attention with heads side by side', ['float32[b,s,32]', 'float32[b,n,16]', 'float32[b,n,12]'], (op, q, k, v) => op.Attention([q, k, v], { q_num_heads: 4, kv_num_heads: 2 }), ['float32[b,s,24]']],
  [
    'Attention with a past',
    ['float32[b,2,s,8]', 'float32[b,2,s,8]', 'float32[b,2,s,8]', 'float32[b,2,n,8]', 'float32[b,2,n,8]'],
    (op, q, k, v, pk, pv) => op.Attention([q, k, v, null, pk, pv], {}, 3),
    ['float32[b,2,s,8]', 'float32[b,2,n + s,8]', 'float32[b,2,n + s,8]'],
  ],
  ['RotaryEmbedding', ['float32[b,2,s,8]', 'float32[b,s,4]', 'float32[b,s,4]'], (op, x, c, s) => op.RotaryEmbedding([x, c, s]), ['float32[b,2,s,8]']],
];

const scales = (op: Builder, ...values: number[]): Value => op.tensor('float32', [values.length], values);

const IMAGES: Row[] = [
  ['Resize by scales', ['float32[b,3,h,7]'], (op, x) => op.Resize([x, null, scales(op, 1, 1, 2, 1.3)]), ['float32[b,3,2*h,9]']],
  ['Resize by half', ['float32[b,3,h,7]'], (op, x) => op.Resize([x, null, scales(op, 1, 1, 0.5, 1.5)]), ['float32[b,3,floordiv(h, 2),10]']],
  ['Resize by a scale that rounds', ['float32[b,3,h,7]'], (op, x) => op.Resize([x, null, scales(op, 1, 1, 0.3, 1)]), ['float32[b,3,?,7]']],
  ['Resize to sizes', ['float32[b,3,h,w]'], (op, x) => op.Resize([x, null, null, op.ints([5, 6])], { axes: [2, 3], mode: 'linear' }), ['float32[b,3,5,6]']],
  ['Resize keeping the ratio', ['float32[2,3,4,6]'], (op, x) => op.Resize([x, null, null, op.ints([7, 8])], { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }), ['float32[2,3,5,8]']],
  ['GridSample', ['float32[b,3,h,w]', 'float32[b,s,4,2]'], (op, x, g) => op.GridSample([x, g]), ['float32[b,3,s,4]']],
  ['AffineGrid', ['float32[b,2,3]', 'float32[1,1,h,w]'], (op, t, x) => op.AffineGrid([t, op.Concat([shape(op, t, 0), op.ints([1]), op.Shape([x], { start: 2 })], axis0)]), ['float32[b,h,w,2]']],
  [
    'NonMaxSuppression',
    ['float32[b,n,4]', 'float32[b,2,n]'],
    (op, x, y) => op.NonMaxSuppression([x, y, op.scalar('int64', 3), op.scalar('float32', 0.5)]),
    ['int64[?,3]'],
  ],
  [
    'RoiAlign',
    ['float32[1,3,h,w]', 'float32[n,4]', 'int64[n]'],
    (op, x, r, i) => op.RoiAlign([x, r, op.Mul([i, op.scalar('int64', 0)])], { output_height: 2, output_width: 3 }),
    ['float32[n,3,2,3]'],
  ],
  ['Col2Im', ['float32[b,12,9]'], (op, x) => op.Col2Im([x, op.ints([4, 4]), op.ints([2, 2])]), ['float32[b,3,4,4]']],
];

const SIGNALS: Row[] = [
  ['DFT', ['float32[b,s,2]'], (op, x) => op.DFT([x]), ['float32[b,s,2]']],
  ['DFT of reals', ['float32[b,s,1]'], (op, x) => op.DFT([x, null, op.scalar('int64', 1)], { onesided: 1 }), ['float32[b,floordiv(s, 2) + 1,2]']],
  ['DFT of a length', ['float32[b,s,3,1]'], (op, x) => op.DFT([x, op.scalar('int64', 8), op.scalar('int64', 1)], { onesided: 1 }), ['float32[b,5,3,2]']],
  ['DFT back to reals', ['float32[b,5,2]'], (op, x) => op.DFT([x], { inverse: 1, onesided: 1 }), ['float32[b,8,1]']],
  ['STFT', ['float32[b,20,1]', 'float32[8]'], (op, x, w) => op.STFT([x, op.scalar('int64', 4), w]), ['float32[b,4,5,2]']],
  ['STFT of both sides', ['float32[b,20,1]'], (op, x) => op.STFT([x, op.scalar('int64', 4), null, op.scalar('int64', 6)], { onesided: 0 }), ['float32[b,4,6,2]']],
];

const zero = (op: Builder, dtype: 'uint8' | 'int8'): Value => op.scalar(dtype, 0);
const half = (op: Builder): Value => op.scalar('float32', 0.5);

const QUANTIZATION: Row[] = [
  ['QuantizeLinear', ['float32[b,s]'], (op, x) => op.QuantizeLinear([x, half(op), zero(op, 'int8')]), ['int8[b,s]']],
  ['QuantizeLinear without zero point', ['float32[b,s]'], (op, x) => op.QuantizeLinear([x, half(op)]), ['uint8[b,s]']],
  ['QuantizeLinear to a type', ['float32[b,s]'], (op, x) => op.QuantizeLinear([x, half(op)], { output_dtype: 'int16' }), ['int16[b,s]']],
  ['DequantizeLinear', ['int8[b,3]'], (op, x) => op.DequantizeLinear([x, channels(op, 0.5)], { axis: 1 }), ['float32[b,3]']],
  ['DynamicQuantizeLinear', ['float32[b,s]'], (op, x) => op.DynamicQuantizeLinear([x], {}, 3), ['uint8[b,s]', 'float32[]', 'uint8[]']],
  [
    'QLinearConv',
    ['uint8[b,3,h,w]', 'int8[8,3,3,3]'],
    (op, x, w) => op.QLinearConv([x, half(op), zero(op, 'uint8'), w, half(op), zero(op, 'int8'), half(op), zero(op, 'uint8')]),
    ['uint8[b,8,h - 2,w - 2]'],
  ],
  [
    'QLinearMatMul',
    ['uint8[b,4]', 'int8[4,5]'],
    (op, x, w) => op.QLinearMatMul([x, half(op), zero(op, 'uint8'), w, half(op), zero(op, 'int8'), half(op), zero(op, 'uint8')]),
    ['uint8[b,5]'],
  ],
];

function branch(op: Builder, make: (body: Builder) => Value): Graph {
  const body = op.sub('branch');
  body.graph.outputs.push(make(body));
  return body.graph;
}

function loopBody(op: Builder, carried: string, make: (body: Builder, value: Value) => readonly Value[]): Graph {
  const body = op.sub('body');
  body.graph.addInput('i', { dtype: 'int64', shape: [] });
  const going = body.graph.addInput('going', { dtype: 'bool', shape: [] });
  const value = body.graph.addInput('value', { dtype: 'float32', shape: carried.split(',').map(dimOf) });
  body.graph.outputs.push(body.Identity([going]), ...make(body, value));
  return body.graph;
}

const CONTROL: Row[] = [
  [
    'If',
    ['bool[]', 'float32[b,s]'],
    (op, c, x) => op.If([c], { then_branch: branch(op, (b) => b.Neg([x])), else_branch: branch(op, (b) => b.Abs([x])) }),
    ['float32[b,s]'],
  ],
  [
    'If with branches that differ',
    ['bool[]', 'float32[b,s]'],
    (op, c, x) => op.If([c], { then_branch: branch(op, (b) => b.Neg([x])), else_branch: branch(op, (b) => b.Concat([x, x], axis0)) }),
    ['float32[?,s]'],
  ],
  [
    'Loop',
    ['float32[b,s]'],
    (op, x) => op.Loop([op.scalar('int64', 3), op.scalar('bool', true), x], { body: loopBody(op, 'b,s', (body, v) => [body.Neg([v]), body.ReduceSum([v, body.ints([1])], { keepdims: 0 })]) }, 2),
    ['float32[b,s]', 'float32[?,b]'],
  ],
  [
    'Scan',
    ['float32[b]', 'float32[s,b]'],
    (op, x, xs) => {
      const body = op.sub('scan');
      const [sum, element] = ['sum', 'element'].map((name) => body.graph.addInput(name, x.type));
      const next = body.Add([sum!, element!]);
      body.graph.outputs.push(next, body.Identity([next]));
      return op.Scan([x, xs], { body: body.graph, num_scan_inputs: 1, scan_output_axes: [1] }, 2);
    },
    ['float32[b]', 'float32[b,s]'],
  ],
  ['sequences', ['float32[b,s]'], (op, x) => op.SequenceLength([op.SequenceConstruct([x, x])]), ['int64[]']],
  ['what comes out of a sequence', ['float32[b,s]'], (op, x) => op.Neg([op.SequenceAt([op.SequenceConstruct([x, x]), op.scalar('int64', 0)])]), [null]],
];

const CONTRIB: Row[] = [
  [
    'QLinearAdd',
    ['uint8[b,3]', 'uint8[3]'],
    (op, x, y) => op.node('QLinearAdd', [x, half(op), zero(op, 'uint8'), y, half(op), zero(op, 'uint8'), half(op), zero(op, 'uint8')], {}, { domain: 'com.microsoft' }),
    ['uint8[b,3]'],
  ],
  [
    'QLinearConcat',
    ['uint8[b,3]', 'uint8[b,s]'],
    (op, x, y) => op.node('QLinearConcat', [half(op), zero(op, 'uint8'), x, half(op), zero(op, 'uint8'), y, half(op), zero(op, 'uint8')], { axis: 1 }, { domain: 'com.microsoft' }),
    ['uint8[b,s + 3]'],
  ],
  [
    'QGemm',
    ['uint8[b,4]', 'int8[5,4]'],
    (op, x, w) => op.node('QGemm', [x, half(op), zero(op, 'uint8'), w, half(op), zero(op, 'int8'), null, half(op), zero(op, 'uint8')], { transB: 1 }, { domain: 'com.microsoft' }),
    ['uint8[b,5]'],
  ],
  [
    'QLinearAveragePool',
    ['uint8[b,3,h,w]'],
    (op, x) => op.node('QLinearAveragePool', [x, half(op), zero(op, 'uint8'), half(op), zero(op, 'uint8')], { kernel_shape: [2, 2] }, { domain: 'com.microsoft' }),
    ['uint8[b,3,h - 1,w - 1]'],
  ],
  [
    'QLinearGlobalAveragePool',
    ['uint8[b,3,h,w]'],
    (op, x) => op.node('QLinearGlobalAveragePool', [x, half(op), zero(op, 'uint8'), half(op), zero(op, 'uint8')], {}, { domain: 'com.microsoft' }),
    ['uint8[b,3,1,1]'],
  ],
  ['DynamicQuantizeMatMul', ['float32[b,4]', 'int8[4,5]'], (op, x, w) => op.node('DynamicQuantizeMatMul', [x, w, op.tensor('float32', [1], [0.5])], {}, { domain: 'com.microsoft' }), ['float32[b,5]']],
];

/** What Shape, Concat, arithmetic ... make of known elements shows when a tensor is given that shape. */
const dims = (op: Builder, ...scalars: Value[]): Value => op.Concat(scalars.map((s) => op.Reshape([s, op.ints([1])])), axis0);
const filled = (op: Builder, sizes: Value): Value => op.ConstantOfShape([sizes]);
const sizeAt = (op: Builder, x: Value, at: number): Value => op.Gather([op.Shape([x]), op.scalar('int64', at)]);

const CONTENT: Row[] = [
  ['arithmetic on sizes', ['float32[b,s]'], (op, x) => filled(op, dims(op, op.Add([sizeAt(op, x, 1), op.scalar('int64', 3)]), op.Mul([sizeAt(op, x, 0), sizeAt(op, x, 1)]))), ['float32[s + 3,b*s]']],
  ['division of sizes', ['float32[b,s]'], (op, x) => filled(op, dims(op, op.Div([op.Mul([sizeAt(op, x, 1), op.scalar('int64', 6)]), op.scalar('int64', 3)]))), ['float32[2*s]']],
  ['division that rounds is not followed', ['float32[b,s]'], (op, x) => filled(op, dims(op, op.Div([sizeAt(op, x, 1), op.scalar('int64', 2)]))), ['float32[?]']],
  ['remainder', ['float32[b,s]'], (op, x) => filled(op, dims(op, op.Mod([sizeAt(op, x, 1), op.scalar('int64', 3)]))), ['float32[mod(s, 3)]']],
  ['smaller and larger', ['float32[b,s]'], (op, x) => filled(op, dims(op, op.Min([sizeAt(op, x, 0), sizeAt(op, x, 1)]), op.Max([sizeAt(op, x, 0), op.scalar('int64', 4)]))), ['float32[min(b, s),max(4, b)]']],
  ['through int32 and back', ['float32[b,s]'], (op, x) => filled(op, op.Cast([op.Cast([op.Shape([x])], { to: 'int32' })], { to: 'int64' })), ['float32[b,s]']],
  ['not through floats', ['float32[b,s]'], (op, x) => filled(op, op.Cast([op.Cast([op.Shape([x])], { to: 'float32' })], { to: 'int64' })), ['float32[?,?]']],
  ['Slice of sizes', ['float32[b,3,s]'], (op, x) => filled(op, slice(op, op.Shape([x]), 1, open(op), 0)), ['float32[3,s]']],
  ['reversed sizes', ['float32[b,3,s]'], (op, x) => filled(op, slice(op, op.Shape([x]), -1, opposite(op), 0, -1)), ['float32[s,3,b]']],
  ['Split of sizes', ['float32[b,3,s]'], (op, x) => op.Split([op.Shape([x]), op.ints([1, 2])], {}, 2).map((part) => filled(op, part)), ['float32[b]', 'float32[3,s]']],
  ['product of sizes', ['float32[b,3,s]'], (op, x) => filled(op, op.ReduceProd([op.Shape([x])])), ['float32[3*b*s]']],
  ['sum of sizes', ['float32[b,3,s]'], (op, x) => filled(op, op.ReduceSum([op.Shape([x])])), ['float32[b + s + 3]']],
  ['Where with a constant condition', ['float32[b,s]'], (op, x) => filled(op, op.Where([op.tensor('bool', [2], [1, 0]), op.Shape([x]), op.ints([7])])), ['float32[b,7]']],
  ['ConstantOfShape of sizes', [], (op) => filled(op, op.ConstantOfShape([op.ints([2])], { value: memoryData('int64', [1], Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0)) })), ['float32[3,3]']],
  ['Expand of a size', ['float32[s]'], (op, x) => filled(op, op.Expand([op.Shape([x]), op.ints([2])])), ['float32[s,s]']],
  ['Range of sizes', [], (op) => filled(op, op.Range([op.scalar('int64', 2), op.scalar('int64', 5), op.scalar('int64', 1)])), ['float32[2,3,4]']],
  ['Squeeze and Unsqueeze', ['float32[s]'], (op, x) => filled(op, op.Unsqueeze([op.Squeeze([op.Shape([x])]), op.ints([0])])), ['float32[s]']],
];

export const INFERENCE_CASES: readonly InferenceCase[] = [
  ELEMENTWISE,
  SHAPES,
  PARTS,
  INDEXING,
  CREATION,
  REDUCTIONS,
  MATRICES,
  CONVOLUTIONS,
  POOLINGS,
  NORMALIZATIONS,
  RECURRENT,
  IMAGES,
  SIGNALS,
  QUANTIZATION,
  CONTROL,
  CONTRIB,
  CONTENT,
]
  .flat()
  .map(([name, inputs, build, types, norun]) => ({ name, inputs, build: (op, x) => build(op, ...x), types, ...(norun && { norun: true as const }) }));

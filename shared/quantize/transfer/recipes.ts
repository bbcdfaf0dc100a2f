/** INC's recipes for the bias of quantized Linear and Conv, on a graph with Q and DQ around float operators. */
import { dataTypeNumber } from '../../onnx/data-type.ts';
import { attribute, type Node, type Value } from '../../onnx/ir.ts';
import { constantOf, isStandard } from '../../onnx/match.ts';
import { dequantized } from '../../onnx/passes/integer-kernels/codes.ts';
import { asFloat32, bytesOf, roundHalfEven } from '../../tensor/arithmetic.ts';
import { derivedData, type TensorData } from '../../tensor/data.ts';
import { decodeNumbers } from '../../tensor/numbers.ts';
import { type Editor, retyped } from './editor.ts';
import type { Weighted } from './weighted.ts';

/** The scale of the sums: that of the activation times each of the weight's, in float32. */
function sumScale(editor: Editor, stem: string, { x, w }: { readonly x: Value; readonly w: Value }): TensorData | null {
  const [activation, weight] = [constantOf(x), constantOf(w)];
  if (!activation || !weight) return null;
  return derivedData({ dtype: 'float32', shape: weight.shape }, [activation, weight], (a, b) => {
    const [scale] = asFloat32(a) as unknown as [number];
    return bytesOf(asFloat32(b).map((s) => s * scale));
  });
}

/** `round_half_even(bias / (scale of x * scale of w))`, as onnxruntime's tool and INC compute it. */
function biasCodes(bias: TensorData, scale: TensorData): TensorData {
  return derivedData({ dtype: 'int32', shape: bias.shape }, [bias, scale], (b, s) => {
    const [values, scales] = [decodeNumbers('float32', b), decodeNumbers('float32', s)];
    const codes = values.map((v, i) => roundHalfEven(v / scales[scales.length === 1 ? 0 : i]!));
    return bytesOf(Int32Array.from(codes));
  });
}

/** Conv and Gemm read an int32 bias through DequantizeLinear; MatMul and Add become integer operators. */
export function withIntegerBias(editor: Editor, { node, addition }: Weighted): void {
  const [x, w] = [dequantized(node.inputs[0]), dequantized(node.inputs[1])];
  if (!x || !w) return;
  if (isStandard(node, 'MatMul')) integerProduct(editor, node, { x, w, addition });
  else integerBias(editor, node, { xScale: x[1], wScale: w[1] });
}

function integerBias(
  editor: Editor,
  node: Node,
  { xScale, wScale }: { readonly xScale: Value; readonly wScale: Value },
): void {
  const before = node.inputs[2] ?? null;
  const bias = constantOf(before);
  const scale = sumScale(editor, node.name, { x: xScale, w: wScale });
  if (!before || !bias || !scale) return;
  const stem = before.name;
  const params = {
    scale: editor.constant(`${stem}_scale`, scale),
    zeroPoint: editor.numbers(`${stem}_zero_point`, {
      dtype: 'int32',
      shape: scale.shape,
      values: new Array<number>(scale.shape[0] ?? 1).fill(0),
    }),
  };
  const codes = editor.constant(`${stem}_quantized`, biasCodes(bias, scale));
  node.setInput(2, editor.dequantize(codes, stem, { ...params, axis: scale.shape.length ? 0 : undefined }));
  editor.removeUnread([before]);
}

type Codes = readonly [Value, Value, Value];

interface Product {
  readonly x: Codes;
  readonly w: Codes;
  readonly addition: Weighted['addition'];
}

function integerProduct(editor: Editor, node: Node, { x, w, addition }: Product): void {
  const last = addition?.node ?? node;
  const [result] = last.outputs as [Value];
  const scale = sumScale(editor, node.name, { x: x[1], w: w[1] });
  const biasValue = addition ? addition.node.inputs[addition.index]! : null;
  const bias = constantOf(biasValue);
  if (!scale || (addition && !bias)) return;
  const { origin } = node;
  const integer = retyped(result.type, 'int32');
  const stem = result.name;
  let sums = editor.add('MatMulInteger', [x[0], w[0], x[2], w[2]], { name: `${stem}_sums`, type: integer, origin });
  if (bias) {
    const codes = editor.constant(`${biasValue!.name}_quantized`, biasCodes(bias, scale));
    sums = editor.add('Add', [sums, codes], { name: `${stem}_biased`, type: integer, origin });
  }
  const type = retyped(result.type, 'float32');
  const float = editor.add('Cast', [sums], {
    name: `${stem}_float`,
    type,
    attributes: { to: attribute.int(dataTypeNumber('float32')) },
    origin,
  });
  const scaleValue = editor.constant(`${stem}_scale_of_sums`, scale);
  const scaled = editor.add('Mul', [float, scaleValue], { name: `${stem}_scaled`, type, origin });
  editor.supersede(result, scaled);
  editor.removeUnread([result, biasValue]);
}

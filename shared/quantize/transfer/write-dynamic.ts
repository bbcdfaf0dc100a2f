/**
 * Linear layers whose activations are quantized anew in every run, as torch.ao.nn.quantized.dynamic.Linear computes
 * them.
 */
import { DYNAMIC_ACTIVATIONS, type DynamicActivations } from '../../choices.ts';
import { attribute, type Value } from '../../onnx/ir.ts';
import { dataTypeNumber } from '../../onnx/data-type.ts';
import { type Editor, retyped } from './editor.ts';
import { type ModuleWeights, rowOf, weightParams } from './write-qdq.ts';
import { turned, type Weighted } from './weighted.ts';

interface Quantized {
  readonly codes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

/** Writes one layer after the other; those that read the same tensor share its codes. */
export function dynamicWriter(
  editor: Editor,
  form: DynamicActivations,
): (at: Weighted, weights: ModuleWeights) => void {
  const known = new Map<Value, Quantized>();
  const quantize = form === 'torch' ? sevenBits : eightBits;
  return ({ node, weightIndex, addition }, weights) => {
    const x = node.inputs[0]!;
    const quantized = known.get(x) ?? quantize(editor, x);
    known.set(x, quantized);
    const before = node.inputs[weightIndex]!;
    const stem = before.name;
    const codes = editor.constant(`${stem}_quantized`, turned(weights).codes);
    const params = weightParams(editor, stem, weights);
    const last = addition?.node ?? node;
    const [result] = last.outputs as [Value];
    const { origin } = node;
    const type = retyped(result.type, 'float32');
    const name = result.name;
    const sums = editor.add('MatMulInteger', [quantized.codes, codes, quantized.zeroPoint, params.zeroPoint], {
      name: `${name}_sums`,
      type: retyped(result.type, 'int32'),
      origin,
    });
    const to = { to: attribute.int(dataTypeNumber('float32')) };
    const float = editor.add('Cast', [sums], { name: `${name}_float`, type, attributes: to, origin });
    const scale = editor.add('Mul', [quantized.scale, params.scale], { name: `${name}_scale`, type: null, origin });
    let value = editor.add('Mul', [float, scale], { name: `${name}_scaled`, type, origin });
    if (weights.bias) {
      const bias = editor.constant(`${name}_bias`, rowOf(weights.bias, node));
      value = editor.add('Add', [value, bias], { name: `${name}_biased`, type, origin });
    }
    editor.supersede(result, value);
    editor.removeUnread([result]);
  };
}

function eightBits(editor: Editor, x: Value): Quantized {
  const [codes, scale, zeroPoint] = editor.addMany(
    'DynamicQuantizeLinear',
    [x],
    [
      { name: `${x.name}_quantized`, type: retyped(x.type, 'uint8') },
      { name: `${x.name}_scale`, type: null },
      { name: `${x.name}_zero_point`, type: null },
    ],
  ) as [Value, Value, Value];
  return { codes, scale, zeroPoint };
}

/**
 * `scale = (max - min) / 127`, 0 within the range; `zero point = round(-min / scale)`. PyTorch takes scale 0.1 where
 * the
 * range is empty.
 */
function sevenBits(editor: Editor, x: Value): Quantized {
  const stem = x.name;
  const add = (op: string, inputs: readonly Value[], name: string, more: object = {}): Value =>
    editor.add(op, inputs, { name: `${stem}_${name}`, type: null, ...more });
  const number = (name: string, value: number): Value =>
    editor.numbers(name, { dtype: 'float32', shape: [], values: [value] });
  const zero = number('zero', 0);
  const whole = { attributes: { keepdims: attribute.int(0) } };
  const low = add('Min', [add('ReduceMin', [x], 'smallest', whole), zero], 'low');
  const high = add('Max', [add('ReduceMax', [x], 'largest', whole), zero], 'high');
  const range = add('Sub', [high, low], 'range');
  const step = add('Div', [range, number('codes_of_7_bits', DYNAMIC_ACTIVATIONS.torch.largest)], 'step');
  const isEmpty = add('Equal', [step, zero], 'is_empty');
  const scale = add('Where', [isEmpty, number('scale_of_nothing', 0.1), step], 'scale');
  const offset = add('Round', [add('Div', [add('Neg', [low], 'negated'), scale], 'steps_below')], 'offset');
  const zeroPoint = add('Cast', [offset], 'zero_point', { attributes: { to: attribute.int(dataTypeNumber('uint8')) } });
  const rounded = editor.add('QuantizeLinear', [x, scale, zeroPoint], {
    name: `${stem}_rounded`,
    type: retyped(x.type, 'uint8'),
  });
  const largest = [DYNAMIC_ACTIVATIONS.torch.largest];
  const most = editor.numbers('largest_code_of_7_bits', { dtype: 'uint8', shape: [], values: largest });
  const codes = editor.add('Clip', [rounded, null, most], {
    name: `${stem}_quantized`,
    type: retyped(x.type, 'uint8'),
  });
  return { codes, scale, zeroPoint };
}

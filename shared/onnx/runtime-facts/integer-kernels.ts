/**
 * What onnxruntime's CPU provider computes on codes: operators that a file may hold, and those that it makes of an
 * operator between DequantizeLinear and QuantizeLinear (its QDQ selectors).
 */
import { codesDtype, isDequantized, readersOf } from '../code-groups.ts';
import type { Node } from '../ir.ts';
import { isStandard } from '../match.ts';

/** The version of onnxruntime that all of it was probed on. */
export const PROBED_ON = '1.30';

const names = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Of ai.onnx and com.microsoft. */
const KERNELS = names(`
  ConvInteger MatMulInteger QLinearConv QLinearMatMul
  DynamicQuantizeLSTM DynamicQuantizeMatMul GatherBlockQuantized MatMulInteger16 MatMulIntegerToFloat MatMulNBits
  NhwcMaxPool QAttention QEmbedLayerNormalization QGemm QLinearAdd QLinearAveragePool QLinearConcat
  QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearSoftmax QLinearWhere QMoE`);

export const isIntegerKernel = ({ op }: Node): boolean => KERNELS.has(op);

/** Kernels that no optimization turns into another; loading a model for them tells nothing, and takes its memory. */
const NEVER_REPLACED = names('MatMulNBits GatherBlockQuantized');

export const isNeverReplaced = ({ op }: Node): boolean => NEVER_REPLACED.has(op);

/** What becomes of a standard operator whose operands are codes. */
interface Fused {
  /** null: no integer kernel exists. */
  readonly kernel: string | null;
  /** Where operands end among its inputs; all of them are where it is Infinity. */
  readonly operands: number;
  /** Where they begin; left out: at the first. */
  readonly from?: number;
  /** The kernel gives codes only: the result has to be rounded at once. */
  readonly givesCodes: boolean;
  /** Multiplies by weights, so that codes in front of it make it quantized whatever becomes of its result. */
  readonly isProduct: boolean;
}

const product = (kernel: string | null, { givesCodes }: { readonly givesCodes: boolean }): Fused => ({
  kernel,
  operands: 2,
  givesCodes,
  isProduct: true,
});
const elementwise = (kernel: string, operands: number): Fused => ({
  kernel,
  operands,
  givesCodes: true,
  isProduct: false,
});

const FUSED: Readonly<Record<string, Fused>> = {
  Conv: product('QLinearConv', { givesCodes: true }),
  ConvTranspose: product(null, { givesCodes: true }),
  Gemm: product('QGemm', { givesCodes: false }),
  MatMul: product('MatMulIntegerToFloat', { givesCodes: false }),
  Add: elementwise('QLinearAdd', 2),
  Mul: elementwise('QLinearMul', 2),
  Concat: elementwise('QLinearConcat', Infinity),
  Sigmoid: elementwise('QLinearSigmoid', 1),
  LeakyRelu: elementwise('QLinearLeakyRelu', 1),
  Softmax: elementwise('QLinearSoftmax', 1),
  AveragePool: elementwise('QLinearAveragePool', 1),
  GlobalAveragePool: elementwise('QLinearGlobalAveragePool', 1),
  Where: { ...elementwise('QLinearWhere', 3), from: 1 },
};

const fusedForm = (node: Node): Fused | null =>
  node.domain === '' && Object.hasOwn(FUSED, node.op) ? FUSED[node.op]! : null;

/** Whether the file means an operator to be computed on codes. */
export function isMeantForCodes(node: Node): boolean {
  if (isIntegerKernel(node)) return true;
  const form = fusedForm(node);
  if (!form || !node.inputs.slice(form.from ?? 0, form.operands).every(isDequantized)) return false;
  return form.isProduct || readersOf(node.outputs[0]!).some((reader) => isStandard(reader, 'QuantizeLinear'));
}

/** Why onnxruntime computes an operator in float that is meant for codes: the first thing that is in its way. */
export function obstacle(node: Node): string {
  const form = fusedForm(node);
  if (form?.kernel === null) return `onnxruntime has no integer kernel for ${node.op}`;
  return (
    (form && (typeObstacle(node, form) ?? resultObstacle(node, form) ?? biasObstacle(node, form))) ??
    'onnxruntime leaves this group in float'
  );
}

function typeObstacle(node: Node, { kernel, from = 0, operands, isProduct }: Fused): string | null {
  const types = node.inputs.slice(from, operands).map(codesDtype);
  const wide = types.find((type) => type !== null && type !== 'uint8' && type !== 'int8');
  if (wide) return `${kernel} has no kernel for ${wide} codes`;
  const [first, second = first] = types;
  if (isProduct && first === 'int8' && second === 'uint8') return `${kernel} has no kernel for int8 by uint8`;
  return !isProduct && new Set(types).size > 1 ? 'its operands have codes of different types' : null;
}

function resultObstacle({ outputs: [result], graph }: Node, { kernel, givesCodes }: Fused): string | null {
  if (!givesCodes || !result) return null;
  const float = `its result is read as float, and ${kernel} gives codes only`;
  if (graph?.isOutput(result)) return float;
  const readers = readersOf(result);
  const quantize = readers.find((reader) => isStandard(reader, 'QuantizeLinear'));
  const [reader] = readers;
  if (readers.length > 1) {
    return quantize ? 'its result is read by more than one QuantizeLinear alone' : float;
  }
  if (quantize) return null;
  const isRoundedLater = reader && readersOf(reader.outputs[0]!).some((next) => isStandard(next, 'QuantizeLinear'));
  return isRoundedLater ? `${reader.op} stands between it and QuantizeLinear` : float;
}

function biasObstacle(node: Node, { isProduct }: Fused): string | null {
  const bias = isProduct ? node.inputs[2] : null;
  if (!bias) return null;
  if (isStandard(node, 'Gemm')) {
    if (!isDequantized(bias)) return 'its bias is float, and QGemm adds int32';
    return (node.attributes.get('beta')?.value ?? 1) === 1 ? null : 'its beta is not 1';
  }
  return bias.data || isDequantized(bias) ? null : 'its bias is computed';
}

const INTEGER_PRODUCTS = names(
  'ConvInteger MatMulInteger QLinearConv QLinearMatMul QGemm MatMulIntegerToFloat DynamicQuantizeMatMul',
);

/** Of a convolution or a product of matrices, in any form. */
export const isProduct = ({ operator }: { readonly operator: string }): boolean =>
  INTEGER_PRODUCTS.has(operator) || (Object.hasOwn(FUSED, operator) && FUSED[operator]!.isProduct);

/**
 * Where onnxruntime's CPU provider leaves ONNX or PyTorch though it has the operator, and where no kernel takes what
 * ONNX allows: passes, forms and converters ask the row and write around it. Tests meet each fault in the installed
 * runtime, or say that it is gone.
 */
import type { Dtype } from '../../tensor/dtype.ts';
import type { OnnxOp } from '../schema/index.ts';

export interface Fault {
  /** The newest version of onnxruntime that it was met with. */
  readonly probedOn: string;
  /** Of the nodes it happens to. */
  readonly operators: readonly OnnxOp[];
  readonly what: string;
  /** The element types it happens with; with every one unless told. */
  readonly dtypes?: readonly Dtype[];
  /** The processors it needs; every one unless told. */
  readonly processors?: 'x64 without VNNI';
}

const INTEGERS = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64'] as const;

export const FAULTS = {
  reluOfIntegers: {
    probedOn: '1.30',
    operators: ['Relu'],
    what: 'it has kernels for int8 and int32 alone, from opset 14 on',
    dtypes: INTEGERS,
  },
  fusedSilu: {
    probedOn: '1.30',
    operators: ['Sigmoid', 'Mul'],
    what: 'x * Sigmoid(x) is fused into a QuickGelu, which has no such kernel',
    dtypes: ['float64'],
  },
  swishByOpset: { probedOn: '1.30', operators: ['Swish'], what: 'it loads in opset 24, not in later ones' },
  fusedLayerNormalization: {
    probedOn: '1.30',
    operators: ['ReduceMean', 'Sub', 'Pow', 'Add', 'Sqrt', 'Div', 'Mul'],
    what: 'the steps of a layer normalization are fused into a LayerNormalization that has no such kernel',
    dtypes: ['bfloat16'],
  },
  groupsOfNothing: {
    probedOn: '1.30',
    operators: ['GroupNormalization'],
    what: 'it fails to reshape where nothing is in the batch',
  },
  turnedBernoulli: {
    probedOn: '1.30',
    operators: ['Bernoulli'],
    what: 'it is expanded to a comparison the wrong way round and gives 1 with probability 1 - p',
  },
  dequantizedType: {
    probedOn: '1.30',
    operators: ['DequantizeLinear'],
    what: 'it fails at run time where output_dtype is not the type of the scale',
  },
  integersInDouble: {
    probedOn: '1.30',
    operators: ['ReduceSum', 'ReduceProd', 'ReduceL1', 'ReduceSumSquare'],
    what: 'they add and multiply in double and stay at the ends of the type, where MatMul, Add and Mul wrap around',
    dtypes: ['int32', 'int64'],
  },
  powersInDouble: {
    probedOn: '1.30',
    operators: ['Pow'],
    what: 'powers go through floating point, or have no kernel',
    dtypes: [...INTEGERS, 'bool'],
  },
  remainderInDouble: {
    probedOn: '1.30',
    operators: ['Mod'],
    what: 'with fmod it is computed in double',
    dtypes: ['int64'],
  },
  einsumInDouble: {
    probedOn: '1.30',
    operators: ['Einsum'],
    what: 'an axis that one operand has alone is summed in floating point',
    dtypes: ['int64'],
  },
  stacksOfNothing: {
    probedOn: '1.30',
    operators: ['MatMul'],
    what: 'it fails where the right operand is a stack of matrices that holds none',
  },
  productOfNothing: {
    probedOn: '1.30',
    operators: ['MatMul'],
    what: 'the product with a vector of nothing is left as the memory was found, where it is 0',
  },
  gemmOfNothing: {
    probedOn: '1.30',
    operators: ['Gemm'],
    what: 'without an inner axis the product is zero and C alone is left, which it forgets',
  },
  choiceOfBools: { probedOn: '1.30', operators: ['Where'], what: 'it has no such kernel', dtypes: ['bool'] },
  indicesOfOneHot: {
    probedOn: '1.30',
    operators: ['OneHot'],
    what: 'it has no such kernel for indices, or for few types of values',
    dtypes: ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32'],
  },
  digitsOfDft: {
    probedOn: '1.30',
    operators: ['DFT'],
    what: 'it loses half the digits where the length is no power of 2',
    dtypes: ['float32'],
  },
  extremeOfNothing: {
    probedOn: '1.30',
    operators: ['ReduceMax'],
    what: 'the largest of nothing is minus infinity, which PyTorch refuses',
  },
  meanOfNothing: { probedOn: '1.30', operators: ['ReduceMean'], what: 'it is 0, where PyTorch has no number' },
  extremesLoseNaN: {
    probedOn: '1.30',
    operators: ['ReduceMax', 'ReduceMin', 'ArgMax', 'ArgMin'],
    what: 'they keep or lose NaN by its place',
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
  },
  signOfChosenZero: {
    probedOn: '1.30',
    operators: ['Where'],
    what: 'a zero that comes from its second operand is +0; from the third it keeps its sign',
    dtypes: ['float32', 'float64'],
  },
  openClip: {
    probedOn: '1.30',
    operators: ['Clip'],
    what: 'a bound that is left out is the largest finite number, which infinities become',
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
  },
  numbersForNaN: {
    probedOn: '1.30',
    operators: ['LSTM', 'GRU', 'RNN'],
    what: 'activations but tanh of an RNN bound what they take, and give numbers for NaN',
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
  },
  signedActivations: {
    probedOn: '1.30',
    operators: ['QuantizeLinear'],
    what: 'activations are rewritten to uint8 without their output_dtype, which opset 21 brought, and fail to load',
    dtypes: ['int8'],
  },
  sharedZeroPoint: {
    probedOn: '1.32',
    operators: ['DequantizeLinear'],
    what:
      'session.x64quantprecision re-types weights with their zero points, one by one, and fails on one that two ' +
      'weights share',
    dtypes: ['int8'],
    processors: 'x64 without VNNI',
  },
  sharedConstant: {
    probedOn: '1.32',
    operators: ['Add', 'Mul'],
    what: 'with session.x64quantprecision they fail on a constant on codes that two of them read',
    dtypes: ['int8'],
    processors: 'x64 without VNNI',
  },
  slowConvInteger: {
    probedOn: '1.30',
    operators: ['ConvInteger'],
    what: 'with such weights it takes four times as long, and its sums saturate',
    dtypes: ['int8'],
    processors: 'x64 without VNNI',
  },
  padsOfSomeAxes: {
    probedOn: '1.30',
    operators: ['Pad'],
    what: 'graphs on 8 bits are taken to another layout, and pads permuted as if there were one for each axis',
  },
} as const satisfies Readonly<Record<string, Fault>>;

/** Whether a fault happens with an element type. */
export const isMet = ({ dtypes }: Fault, dtype: Dtype): boolean => dtypes?.includes(dtype) ?? true;

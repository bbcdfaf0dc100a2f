/** The globals a model file may use, each as a function over plain data. Nothing that is not here is ever called. */
import { latin1Bytes } from '../bytes/text.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { NumpyArray, NumpyDtype, numpyScalar } from './pickle-numpy.ts';
import type { AllowedGlobal } from './pickle.ts';
import { type Dict, Global, OpaqueObject, OrderedDict, type PickleValue, Rebuilt, Tuple } from './pickle-values.ts';
import {
  arrayTensor,
  metaTensor,
  type Quantizer,
  SavedTensor,
  StorageRef,
  StorageType,
  TorchDtype,
} from './saved-tensor.ts';

type Call = (args: readonly PickleValue[], refuse: (reason: string) => never) => PickleValue;
type Refuse = (reason: string) => never;

/** A name of torch without meaning of its own here: a quantization scheme, a layout, a device. */
export class TorchName extends Rebuilt {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

const numbers = (value: PickleValue | undefined, refuse: Refuse): number[] => {
  const items = value instanceof Tuple ? value.items : Array.isArray(value) ? value : refuse('a shape is no tuple');
  return items.every((item) => typeof item === 'number')
    ? [...(items as number[])]
    : refuse('a shape holds something that is no size');
};
const integer = (value: PickleValue | undefined, refuse: Refuse): number =>
  typeof value === 'number' ? value : refuse('an offset is no integer');
const storage = (value: PickleValue | undefined, refuse: Refuse): StorageRef =>
  value instanceof StorageRef ? value : refuse('a tensor has no storage');
const windowOf = (
  args: readonly PickleValue[],
  refuse: Refuse,
): { offset: number; shape: number[]; strides: number[] } => ({
  offset: integer(args[1], refuse),
  shape: numbers(args[2], refuse),
  strides: numbers(args[3], refuse),
});
const tensor = (value: PickleValue | undefined, refuse: Refuse): SavedTensor =>
  value instanceof SavedTensor ? value : refuse('a parameter is no tensor');
const dtype = (value: PickleValue | undefined, refuse: Refuse): TorchDtype =>
  value instanceof TorchDtype ? value : refuse('a dtype is missing');
const items = (value: PickleValue | undefined): readonly PickleValue[] =>
  value instanceof Tuple ? value.items : Array.isArray(value) ? value : value instanceof Set ? [...value] : [];

const pairsOf = (pairs: PickleValue | undefined): Dict => {
  if (pairs instanceof Map) return pairs;
  return new Map(items(pairs).map((pair) => [items(pair)[0] ?? null, items(pair)[1] ?? null]));
};
const dict: Call = ([pairs]) => new Map(pairsOf(pairs));
/** A class that adds methods to dict and is made empty: what it holds follows. */
const emptyDict: Call = (args, refuse) =>
  args.length === 0 ? new Map() : refuse('a dictionary is made with arguments');
const list: Call = ([values]) => [...items(values)];
const first: Call = (args, refuse) => args[0] ?? refuse('a call has no arguments');

function quantizer(value: PickleValue | undefined, refuse: Refuse): Quantizer {
  const [scheme, scale, zeroPoint, axis] = items(value);
  const name = scheme instanceof TorchName ? scheme.name : refuse('a quantized tensor has no scheme');
  if (name === 'per_tensor_affine')
    return { scheme: name, scale: integer(scale, refuse), zeroPoint: integer(zeroPoint, refuse) };
  if (name !== 'per_channel_affine' && name !== 'per_channel_affine_float_qparams')
    return refuse(`quantization scheme ${name} is unknown`);
  const many = (qparams: PickleValue | undefined): SavedTensor | readonly number[] =>
    qparams instanceof SavedTensor ? qparams : numbers(qparams, refuse);
  return { scheme: name, scales: many(scale), zeroPoints: many(zeroPoint), axis: integer(axis, refuse) };
}

/** Classes that are tensors and nothing more. */
const TENSOR_CLASSES: ReadonlySet<string> = new Set([
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  'torch.nn.parameter.Buffer',
  'torch.nn.Parameter',
  'torch.nn.Buffer',
]);

const CALLS: Readonly<Record<string, Call>> = {
  'collections.OrderedDict': ([pairs]) => new OrderedDict(pairsOf(pairs)),
  'collections.Counter': dict,
  'collections.defaultdict': () => new Map(),
  // Neural Compressor's record of its configuration.
  'neural_compressor.conf.dotdict.DotDict': emptyDict,
  'torch._utils._rebuild_tensor': (args, refuse) => new SavedTensor(storage(args[0], refuse), windowOf(args, refuse)),
  'torch._utils._rebuild_tensor_v2': (args, refuse) =>
    new SavedTensor(storage(args[0], refuse), windowOf(args, refuse)),
  'torch._utils._rebuild_tensor_v3': (args, refuse) =>
    new SavedTensor(storage(args[0], refuse), windowOf(args, refuse), { dtype: dtype(args[6], refuse) }),
  'torch._utils._rebuild_qtensor': (args, refuse) =>
    new SavedTensor(storage(args[0], refuse), windowOf(args, refuse), { quantizer: quantizer(args[4], refuse) }),
  'torch._utils._rebuild_parameter': ([data], refuse) => tensor(data, refuse),
  'torch._utils._rebuild_parameter_with_state': ([data], refuse) => tensor(data, refuse),
  'torch._utils._rebuild_meta_tensor_no_storage': ([type, size, stride], refuse) =>
    metaTensor(dtype(type, refuse), numbers(size, refuse), numbers(stride, refuse)),
  'torch._utils._rebuild_device_tensor_from_numpy': ([array, type], refuse) =>
    arrayTensor(array instanceof NumpyArray ? array : refuse('an array is missing'), dtype(type, refuse), refuse),
  'torch._utils._rebuild_sparse_tensor': (args) => new OpaqueObject('torch sparse tensor', args),
  'torch._utils._rebuild_wrapper_subclass': (args) => new OpaqueObject('torch tensor subclass', args),
  // (function, class, its arguments, state): the plain tensor when the class adds nothing.
  'torch._tensor._rebuild_from_type_v2': ([, type, args], refuse) => {
    const inner = items(args);
    const name = type instanceof Global ? type.name : 'unknown';
    if (!TENSOR_CLASSES.has(name)) return new OpaqueObject(name, inner);
    if (inner[0] instanceof StorageRef)
      return new SavedTensor(inner[0], windowOf(inner, refuse), {
        dtype: inner[6] instanceof TorchDtype ? inner[6] : null,
      });
    return tensor(inner[0], refuse);
  },
  'torch.Size': ([sizes]) => new Tuple(items(sizes)),
  'torch.device': ([type, index]) => new TorchName(`${String(type)}${typeof index === 'number' ? `:${index}` : ''}`),
  'torch.serialization._get_layout': ([name]) => new TorchName(String(name)),
  'torch.jit._pickle.build_intlist': list,
  'torch.jit._pickle.build_doublelist': list,
  'torch.jit._pickle.build_boollist': list,
  'torch.jit._pickle.build_tensorlist': list,
  'torch.jit._pickle.restore_type_tag': first,
  '_codecs.encode': ([text, encoding], refuse) =>
    typeof text === 'string' && (encoding === undefined || encoding === 'latin1' || encoding === 'latin-1')
      ? latin1Bytes(text)
      : refuse('text of this encoding is not readable'),
  'builtins.set': ([values]) => new Set(items(values)),
  'builtins.frozenset': ([values]) => new Set(items(values)),
  'builtins.list': list,
  'builtins.tuple': ([values]) => new Tuple(items(values)),
  'builtins.dict': dict,
  'builtins.bytearray': ([bytes], refuse) =>
    bytes instanceof Uint8Array
      ? bytes
      : bytes === undefined
        ? new Uint8Array(0)
        : refuse('a byte array holds no bytes'),
  'builtins.complex': (args) => new OpaqueObject('complex', args),
  'builtins.slice': (args) => new OpaqueObject('slice', args),
  'numpy.dtype': ([code], refuse) =>
    typeof code === 'string' ? new NumpyDtype(code) : refuse('a numpy dtype has no name'),
  'numpy.core.multiarray.scalar': ([type, bytes], refuse) => numpyScalar(type, bytes, refuse),
  'numpy.core.multiarray._reconstruct': () => new NumpyArray(),
};

/** Other names of the same modules. */
const MODULES: Readonly<Record<string, string>> = {
  __builtin__: 'builtins',
  'numpy._core.multiarray': 'numpy.core.multiarray',
};

const DTYPES: Readonly<Record<string, Dtype>> = {
  float16: 'float16',
  half: 'float16',
  float32: 'float32',
  float: 'float32',
  float64: 'float64',
  double: 'float64',
  bfloat16: 'bfloat16',
  int8: 'int8',
  uint8: 'uint8',
  int16: 'int16',
  short: 'int16',
  int32: 'int32',
  int: 'int32',
  int64: 'int64',
  long: 'int64',
  uint16: 'uint16',
  uint32: 'uint32',
  uint64: 'uint64',
  bool: 'bool',
  complex32: 'complex32',
  complex64: 'complex64',
  cfloat: 'complex64',
  complex128: 'complex128',
  cdouble: 'complex128',
  float8_e4m3fn: 'float8e4m3fn',
  float8_e5m2: 'float8e5m2',
  float8_e4m3fnuz: 'float8e4m3fnuz',
  float8_e5m2fnuz: 'float8e5m2fnuz',
  float8_e8m0fnu: 'float8e8m0fnu',
  qint8: 'int8',
  quint8: 'uint8',
  qint32: 'int32',
};

const STORAGES: Readonly<Record<string, Dtype>> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  QInt8Storage: 'int8',
  QUInt8Storage: 'uint8',
  QInt32Storage: 'int32',
};

const NAMES: ReadonlySet<string> = new Set([
  'per_tensor_affine',
  'per_channel_affine',
  'per_channel_affine_float_qparams',
  'per_tensor_symmetric',
  'per_channel_symmetric',
  'strided',
  'sparse_coo',
  'sparse_csr',
  'contiguous_format',
  'preserve_format',
  'channels_last',
  'channels_last_3d',
]);

const lookUp = <T>(table: Readonly<Record<string, T>>, key: string): T | null =>
  Object.hasOwn(table, key) ? table[key]! : null;

/** The table's answer for a name; null when it is not allowed to do anything. */
export function allowedGlobal(module: string, name: string): AllowedGlobal | null {
  const key = `${lookUp(MODULES, module) ?? module}.${name}`;
  const call = lookUp(CALLS, key);
  if (call) return { call };
  if (key === 'torch.storage.UntypedStorage') return { value: new StorageType(name, null) };
  if (module !== 'torch') return null;
  const stored = lookUp(STORAGES, name);
  if (stored) return { value: new StorageType(name, stored) };
  const type = lookUp(DTYPES, name);
  if (type) return { value: new TorchDtype(name, type) };
  return NAMES.has(name) ? { value: new TorchName(name) } : null;
}

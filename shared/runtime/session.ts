/** Models run by onnxruntime. */
import { fail } from '../errors.ts';
import { alignedTo } from '../tensor/arithmetic.ts';
import { memoryData, type TensorData } from '../tensor/data.ts';
import { type Dim, symbol } from '../tensor/dim.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { type TensorType, tensorType } from '../tensor/type.ts';
import { InferenceSession, RUNTIME, Tensor } from './onnxruntime.ts';

export interface MemoryTensor extends TensorData {
  readonly memory: Uint8Array;
}
export type Tensors = ReadonlyMap<string, TensorData>;
export type MemoryTensors = ReadonlyMap<string, MemoryTensor>;

/** An input or output with its type; dimensions a file only names are symbols. */
export interface Declared {
  readonly name: string;
  readonly type: TensorType;
  /** What else data may call it. */
  readonly aliases?: readonly string[];
}

export interface SessionOptions {
  /**
   * `none` runs the nodes as the file has them. `fuse` makes the operators of `all` but keeps their weights in the
   * file's layout, which a model that runs a few times only does not earn back and which would hold them twice.
   */
  readonly optimize?: keyof typeof OPTIMIZATION;
  readonly threads?: number;
  /**
   * What threads without work do. `spin` is onnxruntime's own choice: the soonest answer, at up to twice the processor
   * time, and slower where other processes want the processor.
   */
  readonly idle?: 'spin' | 'sleep';
  /**
   * `precise`: sums of 8-bit products as VNNI and ARM processors compute them. x64 without VNNI saturates pairs of them
   * at 16 bits by default.
   */
  readonly products?: 'default' | 'precise';
  /**
   * Weights beside the model stay in their file, mapped, instead of being copied into the layout a kernel likes best:
   * memory that the system can take back and need not find. Where many rows meet one weight a run takes longer.
   */
  readonly mapWeights?: boolean | undefined;
  /** Where onnxruntime writes the model as it runs it; what is large goes into a second file beside it. */
  readonly saveOptimized?: string;
  /** Beginning of a path: onnxruntime writes down there what each node took, until the session is released. */
  readonly saveProfile?: string;
}

export interface Session {
  /** For messages. */
  readonly file: string;
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
  /** All outputs, or the wanted ones. */
  run(feeds: Tensors, wanted?: readonly string[]): Promise<MemoryTensors>;
  release(): Promise<void>;
}

const OPTIMIZATION = { all: 'all', fuse: 'extended', none: 'disabled' } as const;
/** `session.x64quantprecision`, which only kernels of x64 processors without VNNI read. */
const PRECISE_PRODUCTS = { x64quantprecision: '1' } as const;
const MAPPED = { disable_prepacking: '1' } as const;
/** Bytes of weights from which they are mapped: below, two models fit into memory beside each other. */
export const MAP_FROM = 2 ** 30;
const SLEEPING = { intra_op: { allow_spinning: '0' } } as const;
/** A file of protobuf holds 2 GB. */
const weightsBeside = (path: string): Record<string, string> => ({
  optimized_model_external_initializers_file_name: `${path.slice(path.search(/[^/\\]*$/))}.data`,
});
/** Fatal messages only: what matters arrives as an error. */
const QUIET = 4;

/** Load a model by its path (needed where weights are in a second file) or from bytes. */
export async function openSession(
  model: string | Uint8Array,
  {
    optimize = 'all',
    threads,
    idle = 'spin',
    products = 'default',
    mapWeights = false,
    saveOptimized,
    saveProfile,
  }: SessionOptions = {},
): Promise<Session> {
  const file = typeof model === 'string' ? model : 'model in memory';
  const options: InferenceSession.SessionOptions = {
    graphOptimizationLevel: OPTIMIZATION[optimize],
    logSeverityLevel: QUIET,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(saveOptimized === undefined ? {} : { optimizedModelFilePath: saveOptimized }),
    ...(saveProfile === undefined ? {} : { enableProfiling: true, profileFilePrefix: saveProfile }),
    extra: {
      session: {
        ...(products === 'precise' ? PRECISE_PRODUCTS : {}),
        ...(mapWeights ? MAPPED : {}),
        ...(idle === 'sleep' ? SLEEPING : {}),
        ...(saveOptimized === undefined ? {} : weightsBeside(saveOptimized)),
      },
    },
  };
  try {
    const session = await (typeof model === 'string'
      ? InferenceSession.create(model, options)
      : InferenceSession.create(model, options));
    return wrap(file, session, {
      inputs: declaredOf(session.inputMetadata),
      outputs: declaredOf(session.outputMetadata),
      profiles: saveProfile !== undefined,
    });
  } catch (cause) {
    return fail('ModelDoesNotLoad', { file, reason: reasonOf(cause) }, cause);
  }
}

/** Open, use, release. */
export async function withSession<T>(
  model: string | Uint8Array,
  options: SessionOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(model, options);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

interface Wrapped extends Pick<Session, 'inputs' | 'outputs'> {
  readonly profiles: boolean;
}

function wrap(file: string, session: InferenceSession, { inputs, outputs, profiles }: Wrapped): Session {
  return {
    file,
    inputs,
    outputs,
    async run(feeds, wanted) {
      const values: Record<string, Tensor> = {};
      for (const [name, data] of feeds) values[name] = await toOrt(name, data);
      try {
        const results = await session.run(values, wanted ?? session.outputNames, { logSeverityLevel: QUIET });
        return new Map(Object.entries(results).map(([name, value]) => [name, fromOrt(name, value as Tensor)]));
      } catch (cause) {
        return fail('ModelDoesNotRun', { file, reason: reasonOf(cause) }, cause);
      }
    },
    async release() {
      if (profiles) session.endProfiling();
      await session.release();
    },
  };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim();

const declaredOf = (metadata: readonly InferenceSession.ValueMetadata[]): Declared[] =>
  metadata.map((value) => {
    if (!value.isTensor)
      fail('UnsupportedType', {
        what: `"${value.name}"`,
        dtype: 'no tensor',
        hint: 'sequences and maps cannot be run',
      });
    return {
      name: value.name,
      type: tensorType(
        value.type as Dtype,
        value.shape.map((dim, axis) => dimOf(value.name, dim, axis)),
      ),
    };
  });

// An expression such as "8*s + 1" becomes a symbol of that name: equal texts are equal sizes, nothing more is known
// here.
const dimOf = (name: string, dim: number | string, axis: number): Dim =>
  typeof dim === 'number' ? dim : symbol(dim || `${name}[${axis}]`);

type OrtType = keyof typeof ARRAYS;
type Elements = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView;

/** The element types onnxruntime-node takes and gives. Names are the same on both sides. */
const ARRAYS = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Partial<Record<Dtype, Elements>>;

async function toOrt(name: string, data: TensorData): Promise<Tensor> {
  const dtype = data.dtype;
  if (!(dtype in ARRAYS))
    fail('UnsupportedType', { what: `input "${name}"`, dtype, hint: `${RUNTIME.name} cannot be given such a tensor` });
  const elements = elementsOf(ARRAYS[dtype as OrtType], data.memory ?? (await data.read()));
  return dtype === 'float16'
    ? float16Tensor(elements as Uint16Array, data.shape)
    : new Tensor(dtype as 'float32', elements as Float32Array, data.shape);
}

function elementsOf(type: Elements & { readonly BYTES_PER_ELEMENT: number }, bytes: Uint8Array): ArrayBufferView {
  const aligned = alignedTo(type.BYTES_PER_ELEMENT, bytes);
  return new type(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / type.BYTES_PER_ELEMENT);
}

// Where JavaScript has Float16Array the tensor insists on one, but the native binding (1.30) sees no bytes in it: it
// reads a Uint16Array.
function float16Tensor(bits: Uint16Array, shape: readonly number[]): Tensor {
  const tensor = new Tensor(
    'float16',
    new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length) as unknown as Uint16Array,
    shape,
  );
  Object.assign(tensor, { cpuData: bits });
  return tensor;
}

function fromOrt(name: string, value: Tensor): MemoryTensor {
  if (!(value.type in ARRAYS))
    fail('UnsupportedType', {
      what: `output "${name}"`,
      dtype: value.type,
      hint: `${RUNTIME.name} cannot return such a tensor`,
    });
  const { buffer, byteOffset, byteLength } = value.data as Float32Array;
  return inMemory(value.type as Dtype, value.dims, new Uint8Array(buffer, byteOffset, byteLength));
}

export const inMemory = (dtype: Dtype, shape: readonly number[], bytes: Uint8Array): MemoryTensor =>
  memoryData(dtype, shape, bytes) as MemoryTensor;

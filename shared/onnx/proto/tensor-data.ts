/** TensorProto to TensorData: raw bytes stay in the file, lists of numbers become raw bytes. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { joinBytes } from '../../bytes/join.ts';
import { fail, FerryError } from '../../errors.ts';
import { derivedData, memoryData, storedData, type TensorData } from '../../tensor/data.ts';
import { byteLength, type Dtype, DTYPES } from '../../tensor/dtype.ts';
import { elementCount } from '../../tensor/type.ts';
import { dtypeOfNumber } from '../data-type.ts';
import { type ExternalData, externalSlice } from './external-data.ts';
import { LIMITS } from './limits.ts';
import { EXTERNAL, type Message } from './messages.ts';
import { unpackVarints } from './varints.ts';

type Tensor = Message<'TensorProto'>;
type Bytes = Uint8Array | ByteSource;
type ListField = 'float_data' | 'double_data' | 'int32_data' | 'int64_data' | 'uint64_data';

interface ReadContext {
  readonly file: string;
  readonly external: ExternalData | undefined;
}

/** Which list holds the numbers of a dtype when there is no raw_data (onnx.proto, comments of TensorProto). */
const LISTS: Readonly<Partial<Record<Dtype, ListField>>> = {
  float32: 'float_data',
  complex64: 'float_data',
  float64: 'double_data',
  complex128: 'double_data',
  int64: 'int64_data',
  uint32: 'uint64_data',
  uint64: 'uint64_data',
};
const listOf = (dtype: Dtype): ListField => LISTS[dtype] ?? 'int32_data';
/** Packed floats are little-endian IEEE numbers already. */
const RAW_LISTS: readonly ListField[] = ['float_data', 'double_data'];

export function tensorData(tensor: Tensor, where: string, { file, external }: ReadContext): TensorData {
  const corrupt = (reason: string): never => fail('CorruptModel', { file, where, reason });
  const dtype = dtypeOf(tensor, where);
  const shape = (tensor.dims ?? []).map((dim) =>
    typeof dim === 'number' && dim >= 0 ? dim : corrupt(`it has the dimension ${dim}`),
  );
  if (shape.length > LIMITS.rank)
    fail('LimitExceeded', { file, what: `rank of ${where}`, found: shape.length, limit: LIMITS.rank });
  const count = elementCount(shape);
  const size = byteLength(dtype, count);
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(size))
    return corrupt(`it has the dimensions ${shape.join(', ')}`);
  if (tensor.segment) return corrupt('it is one segment of a tensor');

  if (tensor.data_location === EXTERNAL)
    return storedData(
      dtype,
      shape,
      externalSlice(tensor.external_data ?? [], size, { open: external, at: { file, where } }),
    );
  if (tensor.raw_data) {
    if (lengthOf(tensor.raw_data) !== size)
      return corrupt(`it has ${lengthOf(tensor.raw_data)} bytes, its type ${dtype}[${shape.join(',')}] takes ${size}`);
    return asData(dtype, shape, tensor.raw_data);
  }
  const list = listOf(dtype);
  const pieces = tensor[list] ?? [];
  if (RAW_LISTS.includes(list)) {
    const found = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
    if (found !== size)
      return corrupt(`its ${list} has ${found} bytes, its type ${dtype}[${shape.join(',')}] takes ${size}`);
    return joined(dtype, shape, { pieces, unpack: (bytes) => bytes });
  }
  return joined(dtype, shape, {
    pieces,
    unpack: (bytes) => {
      try {
        return unpackVarints(bytes, size, DTYPES[dtype].bits);
      } catch (cause) {
        if (cause instanceof FerryError) throw cause;
        return fail(
          'CorruptModel',
          { file, where, reason: `its ${list}: ${cause instanceof Error ? cause.message : String(cause)}` },
          cause,
        );
      }
    },
  });
}

function dtypeOf(tensor: Tensor, where: string): Dtype {
  const number = tensor.data_type ?? 0;
  const dtype = dtypeOfNumber(number);
  if (dtype === null || dtype === 'string') {
    return fail('UnsupportedType', {
      what: where,
      dtype: dtype ?? `number ${number} of ONNX`,
      hint: 'torchferry reads tensors of numbers',
    });
  }
  return dtype;
}

const isMemory = (bytes: Bytes): bytes is Uint8Array => bytes instanceof Uint8Array;
const lengthOf = (bytes: Bytes): number => (isMemory(bytes) ? bytes.byteLength : bytes.size);
const asData = (dtype: Dtype, shape: readonly number[], bytes: Bytes): TensorData =>
  isMemory(bytes) ? memoryData(dtype, shape, bytes) : storedData(dtype, shape, bytes);

/** Pieces in memory are joined at once; pieces in the file when the tensor is read. */
function joined(
  dtype: Dtype,
  shape: readonly number[],
  { pieces, unpack }: { readonly pieces: readonly Bytes[]; readonly unpack: (bytes: Uint8Array) => Uint8Array },
): TensorData {
  if (pieces.every(isMemory))
    return memoryData(dtype, shape, new Uint8Array(unpack(joinBytes(pieces as Uint8Array[]))));
  const only = pieces.length === 1 ? pieces[0]! : null;
  if (only && RAW_LISTS.includes(listOf(dtype))) return asData(dtype, shape, only);
  const parts = pieces.map((piece) => asData('uint8', [lengthOf(piece)], piece));
  return derivedData({ dtype, shape }, parts, (...bytes) => unpack(joinBytes(bytes)));
}

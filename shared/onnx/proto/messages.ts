/** The messages of onnx.proto that torchferry reads and writes, as a table, and the types that follow from it. */
import type { ByteSource } from '../../bytes/byte-source.ts';

type FieldRow = readonly [id: number, kind: string, repeated?: 'repeated'];

/**
 * Field numbers and types of onnx.proto (ONNX, Apache-2.0). `data` stands for bytes that may be large (raw_data, packed
 * numbers): the reader leaves them in the file. Fields that are only looked at to refuse a file are kept as `bytes`.
 */
export const MESSAGES = {
  ModelProto: {
    ir_version: [1, 'int64'],
    producer_name: [2, 'string'],
    producer_version: [3, 'string'],
    opset_import: [8, 'OperatorSetIdProto', 'repeated'],
    metadata_props: [14, 'StringStringEntryProto', 'repeated'],
    functions: [25, 'FunctionProto', 'repeated'],
    graph: [7, 'GraphProto'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  FunctionProto: { name: [1, 'string'], domain: [10, 'string'] },
  GraphProto: {
    node: [1, 'NodeProto', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'repeated'],
    input: [11, 'ValueInfoProto', 'repeated'],
    output: [12, 'ValueInfoProto', 'repeated'],
    value_info: [13, 'ValueInfoProto', 'repeated'],
    sparse_initializer: [15, 'SparseTensorProto', 'repeated'],
  },
  NodeProto: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    op_type: [4, 'string'],
    domain: [7, 'string'],
    attribute: [5, 'AttributeProto', 'repeated'],
    metadata_props: [9, 'StringStringEntryProto', 'repeated'],
  },
  AttributeProto: {
    name: [1, 'string'],
    ref_attr_name: [21, 'string'],
    type: [20, 'int32'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'bytes', 'repeated'],
    tensors: [10, 'data', 'repeated'],
    graphs: [11, 'data', 'repeated'],
    tp: [14, 'data'],
    type_protos: [15, 'data', 'repeated'],
    sparse_tensor: [22, 'data'],
    sparse_tensors: [23, 'data', 'repeated'],
  },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    data_type: [2, 'int32'],
    name: [8, 'string'],
    segment: [3, 'bytes'],
    float_data: [4, 'data', 'repeated'],
    int32_data: [5, 'data', 'repeated'],
    string_data: [6, 'data', 'repeated'],
    int64_data: [7, 'data', 'repeated'],
    double_data: [10, 'data', 'repeated'],
    uint64_data: [11, 'data', 'repeated'],
    external_data: [13, 'StringStringEntryProto', 'repeated'],
    data_location: [14, 'int32'],
    raw_data: [9, 'data'],
  },
  SparseTensorProto: { values: [1, 'TensorProto'] },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: {
    tensor_type: [1, 'TensorTypeProto'],
    sequence_type: [4, 'bytes'],
    map_type: [5, 'bytes'],
    opaque_type: [7, 'bytes'],
    sparse_tensor_type: [8, 'bytes'],
    optional_type: [9, 'bytes'],
  },
  TensorTypeProto: { elem_type: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'DimensionProto', 'repeated'] },
  DimensionProto: { dim_value: [1, 'int64'], dim_param: [2, 'string'] },
} as const satisfies Record<string, Record<string, FieldRow>>;

export type MessageName = keyof typeof MESSAGES;

/** 64-bit integers are numbers inside the safe range, bigint beyond it. */
interface Scalars {
  int64: number | bigint;
  int32: number;
  float: number;
  string: string;
  bytes: Uint8Array;
  data: Uint8Array | ByteSource;
}
export type ScalarKind = keyof Scalars;

type FieldValue<K> = K extends ScalarKind ? Scalars[K] : K extends MessageName ? Message<K> : never;
export type Message<M extends MessageName> = {
  -readonly [F in keyof (typeof MESSAGES)[M]]?: (typeof MESSAGES)[M][F] extends readonly [number, infer K, 'repeated']
    ? readonly FieldValue<K>[] | undefined
    : (typeof MESSAGES)[M][F] extends readonly [number, infer K]
      ? FieldValue<K> | undefined
      : never;
};

export interface Field {
  readonly name: string;
  readonly id: number;
  readonly repeated: boolean;
  readonly kind: ScalarKind | MessageName;
}

interface Layout {
  readonly fields: readonly Field[];
  readonly byId: ReadonlyMap<number, Field>;
}

const layoutOf = (rows: Readonly<Record<string, FieldRow>>): Layout => {
  const fields = Object.entries(rows).map(([name, [id, kind, repeated]]) => ({
    name,
    id,
    kind: kind as Field['kind'],
    repeated: repeated === 'repeated',
  }));
  return { fields, byId: new Map(fields.map((field) => [field.id, field])) };
};

export const LAYOUTS = Object.fromEntries(
  Object.entries(MESSAGES).map(([name, rows]) => [name, layoutOf(rows)]),
) as Readonly<Record<MessageName, Layout>>;

export const isMessage = (kind: Field['kind']): kind is MessageName => kind in MESSAGES;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;
/** TensorProto.DataLocation. */
export const EXTERNAL = 1;

/**
 * Programs of torch.export with many or large weights, written without PyTorch: linear layers one after another, whose
 * weights ONNX takes as they are (rows of vectors) or transposed (a batch of rows).
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface ModelShape {
  readonly layers: number;
  /** Each weight is `width` x `width` float32. */
  readonly width: number;
  /** `kept`: weights go into the ONNX model as they lie. `transposed`: each must be read and turned. */
  readonly weights: 'kept' | 'transposed';
}

/** Bytes of the weights. */
export const weightBytes = ({ layers, width }: ModelShape): number => layers * 4 * (width * width + width);

/** Writes a `.pt2` of torch 2.9 and later. */
export function writeProgram(path: string, shape: ModelShape): void {
  const archive = new ArchiveFile(path);
  const tensors = layersOf(shape).flatMap(({ weight, bias }) => [weight, bias]);
  tensors.forEach(({ sizes }, i) =>
    archive.numbers(
      `data/weights/weight_${i}`,
      sizes.reduce((a, b) => a * b, 1),
    ),
  );
  const config = Object.fromEntries(
    tensors.map(({ name, sizes }, i) => [
      name,
      { path_name: `weight_${i}`, is_param: true, use_pickle: false, tensor_meta: meta(sizes) },
    ]),
  );
  archive.json('data/weights/model_weights_config.json', { config });
  archive.json('data/constants/model_constants_config.json', { config: {} });
  archive.json('models/model.json', programOf(shape));
  archive.text('archive_format', 'pt2');
  archive.text('archive_version', '0');
  archive.text('.data/version', '6\n');
  archive.text('byteorder', 'little');
  archive.finish();
}

interface Parameter {
  readonly name: string;
  readonly sizes: readonly number[];
}

const layersOf = ({ layers, width }: ModelShape): { readonly weight: Parameter; readonly bias: Parameter }[] =>
  Array.from({ length: layers }, (_, i) => ({
    weight: { name: `layers.${i}.weight`, sizes: [width, width] },
    bias: { name: `layers.${i}.bias`, sizes: [width] },
  }));

const graphName = ({ name }: Parameter): string => `p_${name.replaceAll('.', '_')}`;
const tensor = (name: string): object => ({ as_tensor: { name } });

function meta(sizes: readonly number[]): object {
  const strides = sizes.map((_, axis) => sizes.slice(axis + 1).reduce((a, b) => a * b, 1));
  const ints = (values: readonly number[]): object[] => values.map((as_int) => ({ as_int }));
  return {
    dtype: 7,
    sizes: ints(sizes),
    requires_grad: false,
    device: { type: 'cpu', index: null },
    strides: ints(strides),
    storage_offset: { as_int: 0 },
    layout: 7,
  };
}

/** What torch.export writes, as far as it is read. */
function programOf(shape: ModelShape): object {
  const layers = layersOf(shape);
  const input = shape.weights === 'kept' ? [1, shape.width] : [1, 4, shape.width];
  const values = ['x', ...layers.map((_, i) => `linear_${i}`)];
  const parameters = layers.flatMap(({ weight, bias }) => [weight, bias]);
  const argument = (name: string, value: string): object => ({ name, arg: tensor(value), kind: 1 });
  const nodes = layers.map(({ weight, bias }, i) => ({
    target: 'torch.ops.aten.linear.default',
    inputs: [argument('input', values[i]!), argument('weight', graphName(weight)), argument('bias', graphName(bias))],
    outputs: [tensor(values[i + 1]!)],
    metadata: {},
    name: values[i + 1],
  }));
  return {
    graph_module: {
      graph: {
        inputs: [...parameters.map((parameter) => tensor(graphName(parameter))), tensor('x')],
        outputs: [tensor(values.at(-1)!)],
        nodes,
        tensor_values: Object.fromEntries([
          ...parameters.map((parameter) => [graphName(parameter), meta(parameter.sizes)] as const),
          ...values.map((name) => [name, meta(input)] as const),
        ]),
        sym_int_values: {},
        sym_bool_values: {},
        sym_float_values: {},
        custom_obj_values: {},
        is_single_tensor_return: false,
      },
      signature: {
        input_specs: [
          ...parameters.map((parameter) => ({
            parameter: { arg: { name: graphName(parameter) }, parameter_name: parameter.name },
          })),
          { user_input: { arg: tensor('x') } },
        ],
        output_specs: [{ user_output: { arg: tensor(values.at(-1)!) } }],
      },
      module_call_graph: [],
      metadata: {},
      treespec_namedtuple_fields: {},
    },
    opset_version: { aten: 10 },
    range_constraints: {},
    schema_version: { major: 8, minor: 8 },
    verifiers: ['TRAINING'],
    torch_version: '2.9.0',
    guards_code: [],
  };
}

/** Torch begins records here, with a field of padding before them. */
const ALIGNMENT = 64;

/** A zip archive of stored records, written as it grows; below 4 GiB. */
class ArchiveFile {
  readonly #file: number;
  readonly #directory: Buffer[] = [];
  #size = 0;
  #turn = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  /** Normally distributed numbers as weights have them; no two weights are equal, because equal ones are kept once. */
  numbers(name: string, count: number): void {
    const bytes = 4 * count;
    const turned = Buffer.concat([NOISE.subarray(4 * this.#turn), NOISE.subarray(0, 4 * this.#turn)]);
    this.#turn = (this.#turn + 4099) % (NOISE.byteLength / 4);
    const pieces = function* (): Generator<Uint8Array> {
      for (let at = 0; at < bytes; at += turned.byteLength)
        yield turned.subarray(0, Math.min(turned.byteLength, bytes - at));
    };
    this.#record(name, bytes, pieces);
  }

  json(name: string, value: object): void {
    this.text(name, JSON.stringify(value));
  }

  text(name: string, text: string): void {
    const bytes = Buffer.from(text);
    this.#record(name, bytes.byteLength, () => [bytes]);
  }

  finish(): void {
    const central = Buffer.concat(this.#directory);
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(this.#directory.length, 8);
    end.writeUInt16LE(this.#directory.length, 10);
    end.writeUInt32LE(central.byteLength, 12);
    end.writeUInt32LE(this.#size, 16);
    this.#write(central);
    this.#write(end);
    closeSync(this.#file);
  }

  #record(name: string, bytes: number, pieces: () => Iterable<Uint8Array>): void {
    const path = Buffer.from(`model/${name}`);
    let crc = 0;
    for (const piece of pieces()) crc = crc32(piece, crc);
    const fields = Buffer.alloc(26);
    fields.writeUInt32LE(crc, 10);
    fields.writeUInt32LE(bytes, 14);
    fields.writeUInt32LE(bytes, 18);
    fields.writeUInt16LE(path.byteLength, 22);
    const offset = this.#size;
    const padding = Buffer.alloc(4 + ((ALIGNMENT - ((offset + 34 + path.byteLength) % ALIGNMENT)) % ALIGNMENT));
    padding.write('FB', 'latin1');
    padding.writeUInt16LE(padding.byteLength - 4, 2);
    const local = Buffer.from(fields);
    local.writeUInt16LE(padding.byteLength, 24);
    for (const part of [Buffer.from('PK\x03\x04', 'latin1'), local, path, padding]) this.#write(part);
    for (const piece of pieces()) this.#write(piece);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    this.#directory.push(Buffer.concat([Buffer.from('PK\x01\x02\0\0', 'latin1'), fields, tail, path]));
  }

  #write(bytes: Uint8Array): void {
    writeSync(this.#file, bytes);
    this.#size += bytes.byteLength;
  }
}

/** 1 MiB of normally distributed float32, the same every time. */
const NOISE = ((): Uint8Array => {
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return new Uint8Array(Float32Array.from({ length: 2 ** 18 }, () => normal() / 64).buffer);
})();

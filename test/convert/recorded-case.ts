/**
 * Cases recorded from PyTorch: one operator call with its arguments and results, made into a program by hand,
 * converted, run and compared.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disagreement } from '../../bench/agreement.ts';
import type { NaNOption } from '../../shared/choices.ts';
import { convertProgram } from '../../shared/convert/convert.ts';
import { isFailure } from '../../shared/errors.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { openSession } from '../../shared/runtime/session.ts';
import { memoryData, type TensorData } from '../../shared/tensor/data.ts';
import { type Dim, mulDims, symbol } from '../../shared/tensor/dim.ts';
import { type Dtype, DTYPES } from '../../shared/tensor/dtype.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';
import type { Argument, NamedArgument, TorchProgram, TorchValue } from '../../shared/torch/program.ts';

type Nested = number | string | boolean | readonly Nested[];

/**
 * `{ "float32": [[1, "nan"]] }`; `shape` where nesting cannot tell it (empty tensors), `dims` where sizes are symbolic.
 */
interface WrittenTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly dims: readonly (number | string)[];
  readonly values: readonly (number | bigint)[];
}

export interface RecordedCase {
  readonly op: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly outputs: readonly unknown[];
  readonly rtol?: number;
  readonly atol?: number;
  readonly zeros?: 'unsigned';
  /** The first opset that can express it, where that is not 13. */
  readonly since?: number;
  /** The argument whose refusal is right. */
  readonly refused?: string;
  /** How NaN is to be carried; `fast` where nothing is said. */
  readonly nan?: NaNOption;
  /** What its numbers are, where cases are made by the thousand: `nan`, `infinite`. */
  readonly kind?: string;
}

/** Lines that begin with `//` are comments. */
export function readCases(file: URL | string): RecordedCase[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('//'));
  return JSON.parse(lines.join('\n')) as RecordedCase[];
}

const SPECIAL: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '-inf': -Infinity };
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const tensorDtype = (value: unknown): Dtype | undefined =>
  isObject(value)
    ? (Object.keys(value).find(
        (k) =>
          k in DTYPES &&
          value[k] !== undefined &&
          Object.keys(value).every((o) => o === k || o === 'shape' || o === 'dims'),
      ) as Dtype | undefined)
    : undefined;

function writtenTensor(value: unknown): WrittenTensor {
  const dtype = tensorDtype(value);
  if (!dtype) throw new Error(`no tensor: ${JSON.stringify(value)}`);
  const object = value as Record<string, unknown>;
  const nested = object[dtype] as Nested;
  const shape: number[] = [];
  for (let level = nested; Array.isArray(level); level = (level as readonly Nested[])[0] ?? 0) shape.push(level.length);
  const flat = [nested].flat(Infinity as 1) as (number | string | boolean)[];
  const own = (object['shape'] as number[] | undefined) ?? shape;
  const toNumber = (x: number | string | boolean): number | bigint =>
    typeof x === 'string' ? (SPECIAL[x] ?? BigInt(x)) : Number(x);
  return {
    dtype,
    shape: own,
    dims: (object['dims'] as (number | string)[] | undefined) ?? own,
    values: flat.map(toNumber),
  };
}

/** A program of one node; the tensors among its arguments are its inputs. */
function programOf(recorded: RecordedCase): { program: TorchProgram; feeds: TensorData[]; expected: WrittenTensor[] } {
  const values = new Map<string, TorchValue>();
  const inputs: Argument[] = [];
  const feeds: TensorData[] = [];
  const declare = (name: string, { dtype, dims }: WrittenTensor): Argument => {
    const shape = dims.map((d): Dim => (typeof d === 'string' ? symbol(d) : d));
    values.set(name, {
      kind: 'tensor',
      type: { dtype, shape },
      strides: shape.map((_, i) => mulDims(...shape.slice(i + 1))),
      offset: 0,
    });
    return { kind: 'tensor', name };
  };
  const argument = (value: unknown): Argument => {
    if (value === null) return { kind: 'none' };
    if (typeof value === 'number') return { kind: 'int', value };
    if (typeof value === 'boolean') return { kind: 'bool', value };
    if (typeof value === 'string') return { kind: 'string', value };
    if (Array.isArray(value)) {
      const items = value.map(argument);
      return items.some((i) => i.kind === 'tensor')
        ? { kind: 'tensors', names: items.map((i) => (i.kind === 'tensor' ? i.name : null)) }
        : { kind: 'list', items };
    }
    if (!isObject(value)) throw new Error(`no argument: ${String(value)}`);
    if ('float' in value) return { kind: 'float', value: SPECIAL[String(value['float'])] ?? Number(value['float']) };
    if ('type' in value) return { kind: 'dtype', value: value['type'] as Dtype };
    const tensor = writtenTensor(value);
    const declared = declare(`input_${inputs.length}`, tensor);
    inputs.push(declared);
    feeds.push(memoryData(tensor.dtype, tensor.shape, encodeNumbers(tensor.dtype, tensor.values)));
    return declared;
  };
  const args: NamedArgument[] = Object.entries(recorded.args).map(([name, value]) => ({
    name,
    value: argument(value),
  }));
  const expected: WrittenTensor[] = [];
  const output = (value: unknown): Argument => {
    if (value === null) return { kind: 'none' };
    if (Array.isArray(value)) return { kind: 'tensors', names: value.map((v) => (output(v) as { name: string }).name) };
    const tensor = writtenTensor(value);
    expected.push(tensor);
    return declare(`output_${expected.length - 1}`, tensor);
  };
  const outputs = recorded.outputs.map(output);
  const names = expected.map((_, i): Argument => ({ kind: 'tensor', name: `output_${i}` }));
  const program: TorchProgram = {
    name: 'case',
    producer: { format: 'recorded case', torchVersion: null, schemaVersion: null },
    graph: {
      inputs,
      outputs: names,
      values,
      nodes: [
        { name: 'call', target: recorded.op, args, outputs, source: { module: '', moduleClass: null, line: null } },
      ],
    },
    inputs: inputs.map((value, i) => ({ kind: 'user', name: `input_${i}`, value })),
    outputs: names.map((value) => ({ kind: 'user', value })),
    weights: new Map(),
    symbols: new Map(),
    guards: { conditions: [], unread: [] },
    warnings: [],
    sampleInputs: () => Promise.resolve(null),
  };
  return { program, feeds, expected };
}

let folder: string | undefined;

/** What is wrong, or null. */
export async function problemOf(recorded: RecordedCase, opset: number): Promise<string | null> {
  const { program, feeds, expected } = programOf(recorded);
  folder ??= mkdtempSync(join(tmpdir(), 'torchferry-ops-'));
  const path = join(folder, 'case.onnx');
  try {
    await writeModel(convertProgram(program, { opset_version: opset, nan: recorded.nan ?? 'fast' }).model, path, {
      weights: 'embed',
    });
  } catch (error) {
    if (!isFailure(error) || error.code === 'ConversionFailed')
      return String(error instanceof Error ? error.stack : error);
    if (error.code === 'UnsupportedOpset' && opset < (recorded.since ?? 0)) return null;
    const details = error.details as { argument?: string };
    return recorded.refused !== undefined && details.argument === recorded.refused ? null : `refused: ${error.message}`;
  }
  if (recorded.refused !== undefined) return `it was converted; a refusal of ${recorded.refused} is right`;
  const session = await openSession(path, { threads: 1 });
  try {
    const results = await session.run(
      new Map(session.inputs.map(({ name }) => [name, feeds[Number(name.slice('input_'.length))]!])),
    );
    return (
      expected.map((want, i) => difference(results.get(`output_${i}`)!, want, recorded)).find((p) => p !== null) ?? null
    );
  } finally {
    await session.release();
  }
}

function difference(
  actual: TensorData & { readonly memory: Uint8Array },
  want: WrittenTensor,
  { rtol = 1e-5, atol = 1e-6, zeros }: RecordedCase,
): string | null {
  if (actual.dtype !== want.dtype) return `${actual.dtype}, PyTorch gives ${want.dtype}`;
  const expected = { ...want, bytes: encodeNumbers(want.dtype, want.values) };
  return disagreement({ ...actual, bytes: actual.memory }, expected, { rtol, atol, ...(zeros && { zeros }) });
}

/** What a PT2E program (`quantized_decomposed` operators) computes on codes, in the table that state dicts give. */
import type { TensorData } from '../../tensor/data.ts';
import type { QParams } from '../../tensor/qparams.ts';
import type { Argument, NamedArgument, TorchNode, TorchProgram } from '../program.ts';
import type { QuantizationMode, QuantizedModule, QuantizedTensor } from '../quantized-weights.ts';
import { channelQParams, refusalAt, type TensorPlace, tensorQParams } from './checked-qparams.ts';
import { quantizedByProgram } from './pt2e-weights.ts';
import { isCode } from './qtensor.ts';

const DOMAIN = 'quantized_decomposed::';
const QUANTIZE = /^quantized_decomposed::quantize_per_(?:tensor|channel|token)(?:\.tensor)?$/;
const DEQUANTIZE = /^quantized_decomposed::dequantize_per_(?:tensor|channel|token)(?:\.tensor)?$/;
/** What belongs to the operator before it: the codes cut off what is negative. */
const CUTS: ReadonlySet<string> = new Set(['aten::relu', 'aten::relu_']);

/** Whether PyTorch quantized the program itself. */
export const holdsQuantizers = ({ graph }: TorchProgram): boolean =>
  graph.nodes.some(({ target }) => target.startsWith(DOMAIN));

/** One row for each operator that reads dequantized tensors, in the order of the program. */
export function quantizedModules(program: TorchProgram): QuantizedModule[] {
  const links = linksOf(program);
  return program.graph.nodes.flatMap((node) => {
    if (node.target.startsWith(DOMAIN)) return [];
    const reads = node.args.flatMap((arg) => tensorsIn(arg.value).map((name) => readOf(links, arg, name)));
    return reads.some(({ kind }) => kind !== 'float') ? [rowOf(links, node, reads)] : [];
  });
}

interface Links {
  readonly program: TorchProgram;
  readonly producers: ReadonlyMap<string, TorchNode>;
  readonly readers: ReadonlyMap<string, readonly TorchNode[]>;
  /** Weights by the name of their value in the graph. */
  readonly weights: ReadonlyMap<string, { readonly key: string; readonly data: TensorData }>;
}

function linksOf(program: TorchProgram): Links {
  const producers = new Map<string, TorchNode>();
  const readers = new Map<string, TorchNode[]>();
  for (const node of program.graph.nodes) {
    for (const output of node.outputs) for (const name of tensorsIn(output)) producers.set(name, node);
    for (const { value } of node.args)
      for (const name of tensorsIn(value)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const weights = program.inputs.flatMap((input) => {
    const data = 'key' in input ? program.weights.get(input.key) : undefined;
    return 'key' in input && data ? [[input.name, { key: input.key, data }] as const] : [];
  });
  return { program, producers, readers, weights: new Map(weights) };
}

function tensorsIn(value: Argument): string[] {
  if (value.kind === 'tensor') return [value.name];
  return value.kind === 'tensors' ? value.names.filter((name) => name !== null) : [];
}

type Read =
  | { readonly kind: 'float'; readonly name: string }
  | { readonly kind: 'dynamic' }
  | { readonly kind: 'static'; readonly qparams: QParams }
  | { readonly kind: 'weight'; readonly argument: string; readonly tensor: QuantizedTensor };

function readOf(links: Links, { name: argument }: NamedArgument, name: string): Read {
  const node = links.producers.get(name);
  if (!node || !DEQUANTIZE.test(node.target)) return { kind: 'float', name };
  const place = { file: links.program.name, name: node.name };
  const input = nameAt(node, 'input');
  const stored = links.weights.get(input);
  if (stored) {
    const { data: codes } = stored;
    const qparams = qparamsOf(links, node, { place, shape: codes.shape });
    if (qparams && codes.dtype !== qparams.dtype)
      return refusalAt(place)(`codes of ${codes.dtype} are read as ${qparams.dtype}`);
    return qparams ? { kind: 'weight', argument, tensor: { codes, qparams } } : { kind: 'dynamic' };
  }
  const quantize = links.producers.get(input);
  const weight = quantize && QUANTIZE.test(quantize.target) ? links.weights.get(nameAt(quantize, 'input')) : undefined;
  const qparams = qparamsOf(links, node, { place, shape: weight?.data.shape ?? [] });
  if (!qparams) return { kind: 'dynamic' };
  if (!weight) return { kind: 'static', qparams };
  const range = { low: numberAt(node, 'quant_min', place), high: numberAt(node, 'quant_max', place) };
  return { kind: 'weight', argument, tensor: { codes: quantizedByProgram(weight.data, qparams, range), qparams } };
}

/** null: found anew in every run. */
function qparamsOf(
  { weights }: Links,
  node: TorchNode,
  { place, shape }: { readonly place: TensorPlace; readonly shape: readonly number[] },
): QParams | null {
  const type = argumentAt(node, 'dtype');
  const dtype =
    type?.kind === 'dtype' && isCode(type.value) ? type.value : refusalAt(place)('its dtype is no dtype of codes');
  const scales = weights.get(nameAt(node, 'scales'));
  const zeroPoints = weights.get(nameAt(node, 'zero_points'));
  if (scales && zeroPoints) {
    const axis = numberAt(node, 'axis', place);
    return channelQParams({ dtype, shape, axis, scales: scales.data, zeroPoints: zeroPoints.data }, place);
  }
  if (argumentAt(node, 'scale')?.kind !== 'float' && argumentAt(node, 'scale')?.kind !== 'int') return null;
  const scale = numberAt(node, 'scale', place);
  return tensorQParams({ dtype, scale, zeroPoint: numberAt(node, 'zero_point', place) }, place);
}

const argumentAt = (node: TorchNode, name: string): Argument | undefined =>
  node.args.find((arg) => arg.name === name)?.value;

function nameAt(node: TorchNode, name: string): string {
  const value = argumentAt(node, name);
  return value?.kind === 'tensor' ? value.name : '';
}

function numberAt(node: TorchNode, name: string, place: TensorPlace): number {
  const value = argumentAt(node, name);
  return value?.kind === 'int' || value?.kind === 'float'
    ? Number(value.value)
    : refusalAt(place)(`its ${name} is no number`);
}

function rowOf(links: Links, node: TorchNode, reads: readonly Read[]): QuantizedModule {
  const weight = reads.find((read) => read.kind === 'weight');
  const activations = reads.filter((read) => read.kind !== 'weight');
  const bias = links.weights.get(nameAt(node, 'bias'));
  const { relu, output } = outputOf(links, node);
  const name = node.target.replace(/^\w+::/, '').replace(/\..*$/, '');
  return {
    module: node.source.module || parentOf(bias?.key ?? ''),
    operator: relu ? `${name}_relu` : name,
    weight: weight ? { ...weight.tensor, parameter: weight.argument } : null,
    bias: bias?.data ?? null,
    inputs: activations
      .filter((read) => read.kind !== 'float' || !links.weights.has(read.name))
      .map((read) => (read.kind === 'static' ? read.qparams : null)),
    output,
    mode: modeOf(activations),
  };
}

const modeOf = (activations: readonly Read[]): QuantizationMode => {
  if (activations.some(({ kind }) => kind === 'dynamic')) return 'dynamic';
  return activations.some(({ kind }) => kind === 'static') ? 'static' : 'weight-only';
};

const parentOf = (key: string): string => key.slice(0, Math.max(key.lastIndexOf('.'), 0));

/** A quantize behind the operator, or behind the relu that alone reads it. */
function outputOf(links: Links, node: TorchNode): { relu: boolean; output: QParams | null } {
  const [result = ''] = node.outputs.flatMap(tensorsIn);
  const readers = links.readers.get(result) ?? [];
  const [only] = readers;
  const relu = readers.length === 1 && CUTS.has(only!.target) ? only! : null;
  const behind = relu ? (links.readers.get(relu.outputs.flatMap(tensorsIn)[0] ?? '') ?? []) : readers;
  const quantize = behind.find(({ target }) => QUANTIZE.test(target));
  const place = { file: links.program.name, name: quantize?.name ?? node.name };
  return { relu: relu !== null, output: quantize ? qparamsOf(links, quantize, { place, shape: [] }) : null };
}

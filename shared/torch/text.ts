/** A torch graph as text: one line a value, for messages, `inspect` and golden tests. */
import { type Dim, dimText, mulDims, sameDim } from '../tensor/dim.ts';
import { typeText } from '../tensor/type.ts';
import type { Argument, NamedArgument, TorchGraph, TorchNode, TorchValue } from './program.ts';

export interface TextOptions {
  /** Add module path and source line of every node as a comment. */
  readonly sources?: boolean;
}

/**
 * `add: float32[2,3] = aten::add.Tensor(self=x, other=1)`. Strides stand in braces where they are not row-major,
 * a storage offset follows as `+8`; a float always shows a point, since PyTorch promotes 1 and 1.0 differently.
 */
export function printTorchGraph(graph: TorchGraph, options: TextOptions = {}): string {
  return graphLines(graph, 'graph', options).join('\n');
}

function graphLines(graph: TorchGraph, head: string, options: TextOptions): string[] {
  const inputs = graph.inputs.map((input) => boundText(input, graph)).join(', ');
  const body = graph.nodes.flatMap((node) => nodeLines(node, graph, options));
  const outputs = graph.outputs.map((output) => argumentText(output)).join(', ');
  return [`${head}(${inputs}) {`, ...[...body, `return (${outputs})`].map((line) => `  ${line}`), '}'];
}

function nodeLines(node: TorchNode, graph: TorchGraph, options: TextOptions): string[] {
  const outputs = node.outputs.map((output) => boundText(output, graph)).join(', ');
  const args: string[] = [];
  const subgraphs: string[] = [];
  for (const arg of node.args) {
    if (arg.value.kind !== 'graph') args.push(argText(arg));
    else {
      const name = `#${subgraphs.filter((line) => line.startsWith('#')).length}`;
      args.push(argText({ name: arg.name, value: { kind: 'object', name } }));
      subgraphs.push(...graphLines(arg.value.graph, `${name} `, options));
    }
  }
  const call = `${outputs ? `${outputs} = ` : ''}${node.target}(${args.join(', ')})`;
  return [`${call}${options.sources ? sourceText(node) : ''}`, ...subgraphs.map((line) => `  ${line}`)];
}

const argText = ({ name, value }: NamedArgument): string =>
  name ? `${name}=${argumentText(value)}` : argumentText(value);

function sourceText({ source }: TorchNode): string {
  const place = [source.module, source.line ? `(${source.line})` : ''].filter(Boolean).join(' ');
  return place ? `  # ${place}` : '';
}

/** A name where it is bound, with what the file records of it. */
function boundText(argument: Argument, graph: TorchGraph): string {
  if (argument.kind === 'tensors')
    return `[${argument.names.map((name) => (name === null ? 'none' : named(name, graph))).join(', ')}]`;
  return 'name' in argument ? named(argument.name, graph) : argumentText(argument);
}

function named(name: string, graph: TorchGraph): string {
  const value = graph.values.get(name);
  return value ? `${name}: ${valueText(value)}` : name;
}

/** `float32[5,3]{1,5}+2`, `symint(s0)`. */
export function valueText(value: TorchValue): string {
  if (value.kind === 'symint') return `symint(${dimText(value.dim)})`;
  if (value.kind !== 'tensor') return value.kind;
  const strides = isRowMajor(value.type.shape, value.strides) ? '' : `{${value.strides.map(dimText).join(',')}}`;
  const offset = value.offset === 0 ? '' : `+${dimText(value.offset)}`;
  return `${typeText(value.type)}${strides}${offset}`;
}

function isRowMajor(shape: readonly Dim[], strides: readonly Dim[]): boolean {
  let step: Dim = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && !sameDim(strides[i]!, step)) return false;
    step = mulDims(step, shape[i]!);
  }
  return true;
}

export function argumentText(argument: Argument): string {
  switch (argument.kind) {
    case 'none':
      return 'none';
    case 'int':
    case 'bool':
      return String(argument.value);
    case 'float':
      return floatText(argument.value);
    case 'complex':
      return `complex(${argument.value.map(floatText).join(', ')})`;
    case 'string':
      return JSON.stringify(argument.value);
    case 'dtype':
    case 'layout':
    case 'memory_format':
      return `${argument.kind}(${argument.value})`;
    case 'device':
    case 'operator':
      return `${argument.kind}(${argument.value})`;
    case 'tensors':
      return `[${argument.names.map((name) => name ?? 'none').join(', ')}]`;
    case 'list':
      return `[${argument.items.map(argumentText).join(', ')}]`;
    case 'graph':
      return 'graph';
    case 'tensor':
    case 'symint':
    case 'symbool':
    case 'symfloat':
    case 'object':
      return argument.name;
  }
}

const floatText = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e21 ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value);

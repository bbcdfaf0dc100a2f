/** Reads the text `printTorchGraph` writes, so that a test case is a graph as a person would write it down. */
import { type Dim, mulDims, symbol } from '../../../shared/tensor/dim.ts';
import { DTYPES, type Dtype } from '../../../shared/tensor/dtype.ts';
import { memoryData } from '../../../shared/tensor/data.ts';
import { rowMajor } from '../../../shared/torch/functionalize/partial-views.ts';
import type {
  Argument,
  NamedArgument,
  ProgramInput,
  TorchGraph,
  TorchNode,
  TorchProgram,
  TorchValue,
} from '../../../shared/torch/program.ts';

interface Lines {
  readonly all: readonly string[];
  at: number;
}

export function readGraph(text: string): TorchGraph {
  return graphFrom({
    all: text
      .split('\n')
      .map((line) => line.replace(/ {2}# .*$/, '').trim())
      .filter(Boolean),
    at: 0,
  });
}

function graphFrom(lines: Lines): TorchGraph {
  const values = new Map<string, TorchValue>();
  const head = /^(?:graph|#\d+ ?)\((.*)\) \{$/.exec(lines.all[lines.at++] ?? '');
  if (!head) throw new Error(`no graph at "${lines.all[lines.at - 1]}"`);
  const inputs = splitTop(head[1]!).map((item) => bound(item, values));
  const nodes: TorchNode[] = [];
  for (;;) {
    const line = lines.all[lines.at++];
    if (line === undefined) throw new Error('the graph has no end');
    const back = /^return \((.*)\)$/.exec(line);
    if (back) {
      lines.at++;
      return { inputs, nodes, values, outputs: splitTop(back[1]!).map((item) => argument(item, values)) };
    }
    nodes.push(nodeFrom(line, lines, values));
  }
}

function nodeFrom(line: string, lines: Lines, values: Map<string, TorchValue>): TorchNode {
  const call = /^(?:(.*) = )?([\w:.]+)\((.*)\)$/.exec(line);
  if (!call) throw new Error(`no operator call in "${line}"`);
  const args = splitTop(call[3]!).map((item) => namedArgument(item, values));
  while (lines.all[lines.at]?.startsWith('#')) {
    const label = lines.all[lines.at]!.slice(0, 2);
    const graph = graphFrom(lines);
    const at = args.findIndex(({ value }) => value.kind === 'object' && value.name === label);
    args[at] = { name: args[at]!.name, value: { kind: 'graph', graph } };
  }
  const outputs = splitTop(call[1] ?? '').map((item) => bound(item, values));
  const first = outputs.find(
    (output) => output.kind === 'tensor' || output.kind === 'tensors' || output.kind === 'symint',
  );
  const name = first?.kind === 'tensors' ? first.names[0]! : first && 'name' in first ? first.name : call[2]!;
  return { name, target: call[2]!, args, outputs, source: { module: '', moduleClass: null, line: null } };
}

/** Items between commas that stand in no bracket. */
function splitTop(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c !== undefined && '([{'.includes(c)) depth++;
    if (c !== undefined && ')]}'.includes(c)) depth--;
    if (c !== undefined && !(c === ',' && depth === 0)) continue;
    if (text.slice(from, i).trim()) items.push(text.slice(from, i).trim());
    from = i + 1;
  }
  return items;
}

function bound(item: string, values: Map<string, TorchValue>): Argument {
  if (item.startsWith('[')) {
    const parts = splitTop(item.slice(1, -1)).map((part) => bound(part, values));
    return { kind: 'tensors', names: parts.map((part) => ('name' in part ? part.name : null)) };
  }
  const colon = item.indexOf(': ');
  // Without a record, as in TorchScript.
  if (colon < 0) return item === 'none' ? { kind: 'none' } : { kind: 'tensor', name: item };
  const [name, type] = [item.slice(0, colon), item.slice(colon + 2)];
  const value = valueFrom(type);
  values.set(name, value);
  return { kind: value.kind, name };
}

function valueFrom(type: string): TorchValue {
  const symint = /^symint\((.*)\)$/.exec(type);
  if (symint) return { kind: 'symint', dim: dimFrom(symint[1]!) };
  if (type === 'symbool' || type === 'symfloat') return { kind: type };
  const tensor = /^(\w+)\[([^\]]*)\](?:\{([^}]*)\})?(?:\+(.+))?$/.exec(type);
  if (!tensor || !Object.hasOwn(DTYPES, tensor[1]!)) throw new Error(`no type: "${type}"`);
  const shape = splitTop(tensor[2]!).map(dimFrom);
  const record = rowMajor(tensor[1] as Dtype, shape);
  return {
    ...record,
    strides: tensor[3] === undefined ? record.strides : splitTop(tensor[3]).map(dimFrom),
    offset: tensor[4] === undefined ? 0 : dimFrom(tensor[4]),
  };
}

const dimFrom = (text: string): Dim =>
  mulDims(...text.split('*').map((part): Dim => (/^\d+$/.test(part.trim()) ? Number(part) : symbol(part.trim()))));

function namedArgument(item: string, values: ReadonlyMap<string, TorchValue>): NamedArgument {
  const named = /^(\w+)=(.*)$/.exec(item);
  return named ? { name: named[1]!, value: argument(named[2]!, values) } : { name: '', value: argument(item, values) };
}

function argument(item: string, values: ReadonlyMap<string, TorchValue>): Argument {
  if (item === 'none') return { kind: 'none' };
  if (item === 'true' || item === 'false') return { kind: 'bool', value: item === 'true' };
  if (/^-?\d+$/.test(item))
    return { kind: 'int', value: Number.isSafeInteger(Number(item)) ? Number(item) : BigInt(item) };
  if (/^-?\d[\d.e+-]*$/.test(item)) return { kind: 'float', value: Number(item) };
  if (item.startsWith('"')) return { kind: 'string', value: JSON.parse(item) as string };
  if (item.startsWith('#')) return { kind: 'object', name: item };
  if (item.startsWith('[')) return listFrom(splitTop(item.slice(1, -1)).map((part) => argument(part, values)));
  const tagged = /^(dtype|layout|memory_format|device)\((.*)\)$/.exec(item);
  if (tagged) return { kind: tagged[1], value: tagged[2] } as Argument;
  return { kind: values.get(item)?.kind ?? 'tensor', name: item };
}

function listFrom(items: readonly Argument[]): Argument {
  if (!items.some((item) => item.kind === 'tensor')) return { kind: 'list', items };
  return { kind: 'tensors', names: items.map((item) => (item.kind === 'tensor' ? item.name : null)) };
}

const INPUT_KINDS = { p_: 'parameter', b_: 'buffer', c_: 'constant' } as const;

/**
 * A program around a graph: inputs named p_, b_ and c_ are weights, as PyTorch names them; equal names after `__tied`
 * share memory.
 */
export function programOf(graph: TorchGraph, symbols: TorchProgram['symbols'] = new Map()): TorchProgram {
  const memory = new Map<string, Uint8Array>();
  const weights = new Map<string, ReturnType<typeof memoryData>>();
  const inputs = graph.inputs.map((value): ProgramInput => {
    const name = 'name' in value ? value.name : '';
    const kind = INPUT_KINDS[name.slice(0, 2) as keyof typeof INPUT_KINDS];
    if (!kind) return { kind: 'user', name, value };
    const owner = name.replace(/__tied$/, '');
    const bytes = memory.get(owner) ?? new Uint8Array();
    memory.set(owner, bytes);
    weights.set(name.slice(2), memoryData('uint8', [0], bytes));
    return { kind, name, key: name.slice(2) };
  });
  return {
    name: 'case',
    producer: { format: 'test', torchVersion: null, schemaVersion: null },
    graph,
    inputs,
    outputs: graph.outputs.map((value) => ({ kind: 'user', value })),
    weights,
    symbols,
    guards: { conditions: [], unread: [] },
    warnings: [],
    sampleInputs: () => Promise.resolve(null),
  };
}

/** A graph of the schema: nodes in order, and what the file records of every value. */
import { type Dim, symbolName } from '../../tensor/dim.ts';
import { fail } from '../../errors.ts';
import type { Json } from '../json.ts';
import type { Argument, NamedArgument, TorchGraph, TorchNode, TorchValue } from '../program.ts';
import { readArgument } from './argument.ts';
import { readDtype, readLayout } from './enums.ts';
import { GRAPH_LIMITS, type Reading } from './reading.ts';
import { readSource } from './source.ts';
import { operatorName } from './target.ts';

export function readGraph(json: Json, reading: Reading): TorchGraph {
  const values = readValues(json, reading);
  const scope = new Scope(values);
  const inputs = json
    .get('inputs')
    .items()
    .map((item) => {
      const argument = readArgument(item, reading);
      scope.define(argument, item);
      return argument;
    });
  const nodes: TorchNode[] = [];
  const items = json.get('nodes').items();
  if (items.length > GRAPH_LIMITS.nodes)
    fail('LimitExceeded', { file: json.file, what: 'number of nodes', found: items.length, limit: GRAPH_LIMITS.nodes });
  for (const item of items) nodes.push(readNode(item, reading, { scope, index: nodes.length }));
  const outputs = json
    .get('outputs')
    .items()
    .map((item) => {
      const argument = readArgument(item, reading);
      scope.use(argument, item);
      return argument;
    });
  return { inputs, outputs, nodes, values };
}

function readNode(
  json: Json,
  reading: Reading,
  { scope, index }: { readonly scope: Scope; readonly index: number },
): TorchNode {
  const inputs = json.get('inputs').items();
  const args = inputs.map((input): NamedArgument => {
    const value = readArgument(input.get('arg'), reading);
    scope.use(value, input);
    return { name: input.optional('name')?.name() ?? '', value };
  });
  const outputs = json
    .get('outputs')
    .items()
    .map((item) => {
      const argument = readArgument(item, reading);
      if (!OUTPUT_KINDS.has(argument.kind)) item.fail(`a node cannot return ${argument.kind}`);
      scope.define(argument, item);
      return argument;
    });
  return {
    name: json.optional('name')?.name() ?? namesIn(outputs[0])[0] ?? `node_${index}`,
    target: operatorName(json.get('target').name()),
    args,
    outputs,
    source: readSource(json.get('metadata')),
  };
}

const OUTPUT_KINDS: ReadonlySet<Argument['kind']> = new Set([
  'tensor',
  'tensors',
  'symint',
  'symbool',
  'symfloat',
  'none',
]);
const BOUND_KINDS: ReadonlySet<Argument['kind']> = new Set(['tensor', 'symint', 'symbool', 'symfloat']);

/** The names of values an argument stands for. */
function namesIn(argument: Argument | undefined): string[] {
  if (!argument) return [];
  if (argument.kind === 'tensors') return argument.names.filter((name) => name !== null);
  if (argument.kind === 'list') return argument.items.flatMap(namesIn);
  return BOUND_KINDS.has(argument.kind) && 'name' in argument ? [argument.name] : [];
}

/** Every name is defined once, before it is used, and its type is recorded. */
class Scope {
  readonly #values: ReadonlyMap<string, TorchValue>;
  readonly #defined = new Set<string>();

  constructor(values: ReadonlyMap<string, TorchValue>) {
    this.#values = values;
  }

  define(argument: Argument, json: Json): void {
    for (const name of namesIn(argument)) {
      if (this.#defined.has(name)) json.fail(`"${name}" is defined twice`);
      this.#defined.add(name);
      const value = this.#values.get(name);
      if (!value) json.fail(`no type is recorded for "${name}"`);
      const kind = argument.kind === 'tensors' ? 'tensor' : argument.kind;
      if (kind !== value.kind && kind !== 'list') json.fail(`"${name}" is used as ${kind}, recorded as ${value.kind}`);
    }
  }

  use(argument: Argument, json: Json): void {
    for (const name of namesIn(argument))
      if (!this.#defined.has(name)) json.fail(`"${name}" is used before it is defined`);
  }
}

function readValues(json: Json, reading: Reading): Map<string, TorchValue> {
  const values = new Map<string, TorchValue>();
  const add = (name: string, value: TorchValue, at: Json): void => {
    if (values.has(name)) at.fail(`"${name}" is recorded twice`);
    values.set(name, value);
  };
  for (const [name, item] of json.get('tensor_values').entries()) {
    // torch 2.1 wrapped it once more.
    const meta = item.optional('meta') ?? item;
    add(name, readTensorMeta(meta, reading), meta);
  }
  for (const [name, value] of json.get('sym_int_values').entries())
    add(name, { kind: 'symint', dim: readSymInt(value, reading) }, value);
  for (const [name, value] of json.get('sym_bool_values').entries()) add(name, { kind: 'symbool' }, value);
  for (const [name, value] of json.get('sym_float_values').entries()) add(name, { kind: 'symfloat' }, value);
  return values;
}

type TensorValue = TorchValue & { kind: 'tensor' };

/** dtype, sizes and strides of a tensor, as the file records them. */
export function readTensorMeta(json: Json, reading: Reading): TensorValue {
  const dtype = readDtype(json.get('dtype'));
  const shape = json
    .get('sizes')
    .items()
    .map((item) => readSymInt(item, reading));
  const layout = json.optional('layout');
  const isStrided = layout === null || readLayout(layout) === 'strided';
  const strides = isStrided
    ? json
        .get('strides')
        .items()
        .map((item) => readSymInt(item, reading))
    : [];
  if (isStrided && strides.length !== shape.length) json.fail(`${shape.length} sizes, but ${strides.length} strides`);
  if (shape.some((dim) => typeof dim === 'number' && dim < 0)) json.fail('a size is negative');
  return {
    kind: 'tensor',
    type: { dtype, shape },
    strides,
    offset: readOffset(json.optional('storage_offset'), reading),
  };
}

/** Schema 2 wrote a plain number. */
function readOffset(json: Json | null, reading: Reading): Dim {
  if (json === null) return 0;
  return typeof json.value === 'number' ? json.size() : readSymInt(json, reading);
}

/** A size: a number, or an expression over the symbols of the program, with the value of the example run. */
function readSymInt(json: Json, reading: Reading): Dim {
  const [tag, value] = json.union();
  if (tag === 'as_int') return value.size();
  if (tag !== 'as_expr') value.fail(`"${tag}" is no kind of size`);
  const dim = reading.dim(value.get('expr_str'));
  const name = symbolName(dim);
  const hint = name === null ? null : value.optional('hint');
  // A plain number in the first schemas, later a union.
  const example = typeof hint?.value === 'object' ? hint.optional('as_int') : hint;
  if (name !== null && example) reading.hints.set(name, example.size());
  return dim;
}

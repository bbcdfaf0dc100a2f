/** Arguments of a node, bound to the schema of its operator: by name or by position, defaults filled in, typed. */
import type { Dim } from '../tensor/dim.ts';
import type { Argument, TorchNode } from '../torch/program.ts';
import type { AtenBuilder } from './converter.ts';
import { numberOperand } from './promote.ts';
import type { ScalarArg, Schema, SchemaArgument } from './schema.ts';
import type { Scope } from './scope.ts';

/** Arguments that say how to compute, not what: they have no meaning in ONNX. */
const IGNORED = new Set(['generator', 'pin_memory', 'non_blocking', 'device', 'layout']);

export function bindArguments(op: AtenBuilder, schema: Schema, node: TorchNode, scope: Scope): Record<string, unknown> {
  const given = new Map<string, Argument>();
  node.args.forEach(({ name, value }, position) => {
    const key = name || schema.arguments[position]?.name;
    if (key === undefined)
      op.aten.refuse(`argument ${position}`, describe(value), `at most ${schema.arguments.length} arguments`);
    given.set(key, value);
  });
  const bound: Record<string, unknown> = {};
  for (const argument of schema.arguments) {
    const value = given.get(argument.name);
    given.delete(argument.name);
    bound[argument.name] = value === undefined ? defaultOf(op, argument) : convert(op, argument, value, scope);
  }
  for (const [name, value] of given) {
    if (!IGNORED.has(name) && value.kind !== 'none')
      op.aten.refuse(name, describe(value), `the arguments of ${schema.text}`);
  }
  return bound;
}

const describe = (value: Argument): string =>
  'value' in value ? String(value.value) : 'name' in value ? value.name : value.kind;

function convert(op: AtenBuilder, argument: SchemaArgument, value: Argument, scope: Scope): unknown {
  if (value.kind === 'none') {
    if (argument.optional) return null;
    if (argument.type === 'Generator') return null;
    // torch writes [] of optional lists as none.
    if (argument.list) return [];
    return IGNORED.has(argument.name) ? null : op.aten.refuse(argument.name, 'None', `a ${argument.type}`);
  }
  if (!argument.list) return convertItem(op, argument, value, scope);
  const items = listItems(op, argument, value);
  const converted = items.map((item) => (item.kind === 'none' ? null : convertItem(op, argument, item, scope)));
  const size = argument.listSize;
  return size && converted.length === 1 ? new Array<unknown>(size).fill(converted[0]) : converted;
}

function listItems(op: AtenBuilder, argument: SchemaArgument, value: Argument): readonly Argument[] {
  if (value.kind === 'list') return value.items;
  if (value.kind === 'tensors')
    return value.names.map((name) => (name === null ? { kind: 'none' } : { kind: 'tensor', name }));
  if (argument.listSize || value.kind === 'tensor') return [value];
  return op.aten.refuse(argument.name, describe(value), `a list of ${argument.type}`);
}

type Convert = (op: AtenBuilder, value: Argument, scope: Scope) => unknown;

/** undefined: the argument does not fit. */
const CONVERT: Readonly<Record<string, Convert>> = {
  Tensor: (op, value, scope) => {
    if (value.kind === 'tensor') return scope.tensor(value.name);
    const number = scalarArgument(op, value, scope);
    return number && numberOperand(op, number);
  },
  Scalar: scalarArgument,
  int: (op, value, scope) => {
    const dim = dimension(value, scope);
    return typeof dim === 'number' || dim === undefined
      ? dim
      : op.aten.refuse('int', String(dim), 'a number known when the model is converted');
  },
  SymInt: (_, value, scope) => dimension(value, scope),
  float: (_, value) =>
    value.kind === 'float'
      ? value.value
      : value.kind === 'int'
        ? Number(value.value)
        : value.kind === 'bool'
          ? Number(value.value)
          : undefined,
  bool: (_, value) => (value.kind === 'bool' ? value.value : value.kind === 'int' ? Boolean(value.value) : undefined),
  str: (_, value) => (value.kind === 'string' ? value.value : undefined),
  ScalarType: (_, value) => (value.kind === 'dtype' ? value.value : undefined),
  MemoryFormat: (_, value) => ('value' in value ? value.value : undefined),
  Device: () => null,
  Layout: (_, value) => ('value' in value ? value.value : undefined),
  Generator: () => null,
};

function convertItem(op: AtenBuilder, argument: SchemaArgument, value: Argument, scope: Scope): unknown {
  const converted = CONVERT[argument.type]?.(op, value, scope);
  return converted === undefined
    ? op.aten.refuse(argument.name, `${value.kind} ${describe(value)}`, `a ${argument.type}`)
    : converted;
}

function scalarArgument(op: AtenBuilder, value: Argument, scope: Scope): ScalarArg | undefined {
  if (value.kind === 'int' || value.kind === 'float' || value.kind === 'bool' || value.kind === 'complex') return value;
  if (value.kind === 'symint') {
    const dim = scope.dim(value.name);
    return typeof dim === 'number' ? { kind: 'int', value: dim } : { kind: 'run-time', value: op.dim(dim) };
  }
  if (value.kind === 'symfloat' || value.kind === 'symbool')
    return { kind: 'run-time', value: scope.scalar(value.name) };
  return value.kind === 'tensor' ? { kind: 'run-time', value: scope.tensor(value.name) } : undefined;
}

/** Integers beyond 2^53 are open ends (INT64_MAX): infinite. */
function dimension(value: Argument, scope: Scope): Dim | undefined {
  if (value.kind === 'symint') return scope.dim(value.name);
  if (value.kind === 'bool') return Number(value.value);
  if (value.kind !== 'int') return undefined;
  return typeof value.value === 'number' ? value.value : value.value > 0n ? Infinity : -Infinity;
}

/** torch.nn.functional's reductions by name, as schemas print them. */
const NAMED_DEFAULTS: Readonly<Record<string, unknown>> = { None: null, True: true, False: false, Mean: 1 };

function defaultOf(op: AtenBuilder, argument: SchemaArgument): unknown {
  const text = argument.default;
  if (text === undefined) {
    if (argument.optional || IGNORED.has(argument.name)) return null;
    return op.aten.refuse(argument.name, 'nothing', `a ${argument.type}`);
  }
  if (argument.list && text !== 'None') {
    const items = text.startsWith('[') ? text.slice(1, -1).split(',').filter(Boolean) : [text];
    const values = items.map((item) => parseDefault(op, argument, item.trim()));
    return argument.listSize && values.length === 1 ? new Array<unknown>(argument.listSize).fill(values[0]) : values;
  }
  return parseDefault(op, argument, text);
}

function parseDefault(op: AtenBuilder, argument: SchemaArgument, text: string): unknown {
  if (text in NAMED_DEFAULTS && argument.type !== 'Scalar') return NAMED_DEFAULTS[text];
  if (argument.type === 'str') return text.replace(/^["']|["']$/g, '');
  if (argument.type === 'Scalar') return text === 'None' ? null : defaultScalar(text);
  if (argument.type === 'Tensor') return numberOperand(op, defaultScalar(text));
  const value = Number(text);
  if (Number.isNaN(value)) throw new Error(`default ${text} of ${argument.name} is not understood`);
  return Math.abs(value) > Number.MAX_SAFE_INTEGER && argument.type !== 'float' ? Math.sign(value) * Infinity : value;
}

function defaultScalar(text: string): ScalarArg {
  if (text === 'True' || text === 'False') return { kind: 'bool', value: text === 'True' };
  return /[.e]|inf|nan/i.test(text) ? { kind: 'float', value: Number(text) } : { kind: 'int', value: Number(text) };
}

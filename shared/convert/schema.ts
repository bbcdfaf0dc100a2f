/**
 * ATen schema strings: the text names an operator, types its arguments for TypeScript, and binds them with defaults.
 */
import type { Dim } from '../tensor/dim.ts';
import type { Dtype } from '../tensor/dtype.ts';
import type { Value } from '../onnx/ir.ts';
import type { Scalar } from '../torch/program.ts';

/** A number argument: as written in the file, or computed while the model runs. */
export type ScalarArg = Scalar | { readonly kind: 'run-time'; readonly value: Value };

interface Plain {
  int: number;
  SymInt: Dim;
  float: number;
  bool: boolean;
  str: string;
  Scalar: ScalarArg;
  ScalarType: Dtype;
  Tensor: Value;
  Device: string;
  Layout: string;
  MemoryFormat: string;
  Generator: null;
}
type ArgumentType<T extends string> = T extends `${infer B}(${string})${infer R}`
  ? ArgumentType<`${B}${R}`>
  : T extends `${infer B}?[${string}]`
    ? readonly (ArgumentType<B> | null)[]
    : T extends `${infer B}[${string}]?`
      ? readonly ArgumentType<B>[] | null
      : T extends `${infer B}[${string}]`
        ? readonly ArgumentType<B>[]
        : T extends `${infer B}?`
          ? ArgumentType<B> | null
          : T extends keyof Plain
            ? Plain[T]
            : unknown;

/** One argument by name; the alias mark of views that become several (`a -> *`) has spaces of its own. */
type One<A extends string> = A extends `${infer T}(a -> *) ${infer R}`
  ? One<`${T} ${R}`>
  : A extends `${infer T} ${infer N}=${string}`
    ? { readonly [K in N]: ArgumentType<T> }
    : A extends `${infer T} ${infer N}`
      ? { readonly [K in N]: ArgumentType<T> }
      : unknown;
type All<A extends string> = A extends `${infer Head}, ${infer Tail}` ? One<Head> & All<Tail> : One<A>;

/** The arguments of a schema string by name: `{ self: Value, dim: number }`. */
export type ArgumentsOf<S extends string> = S extends `${string}(${infer A}) -> ${string}` ? All<A> : never;

export interface SchemaArgument {
  readonly name: string;
  /** Without alias marks, list size and `?`: `Tensor`, `SymInt`, `Scalar`. */
  readonly type: string;
  readonly list: boolean;
  /** For `int[2]`: one number stands for two. */
  readonly listSize: number | null;
  /** The argument may be None. */
  readonly optional: boolean;
  /** List items may be None (`Tensor?[]`). */
  readonly optionalItems: boolean;
  /** As written; undefined: required. */
  readonly default: string | undefined;
}

export interface Schema {
  readonly text: string;
  /** `aten::add.Tensor`: how nodes name it; `.default` is left out. */
  readonly target: string;
  readonly arguments: readonly SchemaArgument[];
}

const SCHEMA = /^([\w:]+(?:\.\w+)?)\((.*)\) -> .*$/;
const ARGUMENT = /^([\w.]+)(?:\([^)]*\))?(\?)?(\[(\d*)\])?(\?)?\s+(\w+)(?:=(.*))?$/;

export function parseSchema(text: string): Schema {
  const match = SCHEMA.exec(text);
  if (!match) throw new Error(`not an operator schema: ${text}`);
  return { text, target: match[1]!, arguments: splitArguments(match[2]!).map((a) => parseArgument(a, text)) };
}

/** At commas outside brackets; the keyword-only mark `*` is left out. */
function splitArguments(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= list.length; i++) {
    const c = list[i];
    if (c === '[' || c === '(') depth++;
    if (c === ']' || c === ')') depth--;
    if (i === list.length || (c === ',' && depth === 0)) {
      parts.push(list.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts.filter((p) => p !== '' && p !== '*');
}

function parseArgument(text: string, schema: string): SchemaArgument {
  const match = ARGUMENT.exec(text);
  if (!match) throw new Error(`cannot read argument "${text}" of ${schema}`);
  const [, type, before, list, size, after, name, fallback] = match;
  return {
    name: name!,
    type: type!,
    list: list !== undefined,
    listSize: size ? Number(size) : null,
    optional: after === '?' || (list === undefined && before === '?'),
    optionalItems: list !== undefined && before === '?',
    default: fallback,
  };
}

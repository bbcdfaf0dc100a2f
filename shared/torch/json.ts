/** JSON at the door: integers stay exact, and every complaint says where in the document it stands. */
import { fail } from '../errors.ts';

/** Bytes of one JSON document; graphs of large models take a few MB. */
export const JSON_LIMIT = 64 * 1024 * 1024;
/** Characters of one name: of a value, an operator, a weight. */
const NAME_LIMIT = 1024;
/** Messages quote what they found, but not all of it. */
const QUOTE_LIMIT = 500;

interface Place {
  readonly file: string;
  readonly key: string | number;
  readonly parent?: Json | null;
}

/** A value of a JSON document with the way to it. Absent and null are the same: the default. */
export class Json {
  readonly value: unknown;
  readonly file: string;
  readonly #parent: Json | null;
  readonly #key: string | number;

  constructor(value: unknown, { file, key, parent = null }: Place) {
    this.value = value;
    this.file = file;
    this.#parent = parent;
    this.#key = key;
  }

  /** `models/model.json: graph_module.graph.nodes[3].inputs[0]`. */
  get where(): string {
    if (!this.#parent) return String(this.#key);
    const step = typeof this.#key === 'number' ? `[${this.#key}]` : `${this.#parent.#parent ? '.' : ': '}${this.#key}`;
    return this.#parent.where + step;
  }

  fail(reason: string): never {
    return fail('CorruptModel', {
      file: this.file,
      where: this.where.slice(-QUOTE_LIMIT),
      reason: reason.slice(0, QUOTE_LIMIT),
    });
  }

  get isAbsent(): boolean {
    return this.value === null || this.value === undefined;
  }

  get(name: string): Json {
    return this.#child(this.#object()[name], name);
  }

  optional(name: string): Json | null {
    const child = this.get(name);
    return child.isAbsent ? null : child;
  }

  /** The elements of a list; none when it is absent. */
  items(): Json[] {
    if (this.isAbsent) return [];
    if (!Array.isArray(this.value)) this.#expected('a list');
    return (this.value as unknown[]).map((value, i) => this.#child(value, i));
  }

  /** The members of an object; none when it is absent. */
  entries(): [string, Json][] {
    if (this.isAbsent) return [];
    return Object.entries(this.#object()).map(([key, value]) => [key, this.#child(value, key)]);
  }

  /** A union is an object with one key, its tag. */
  union(): [tag: string, value: Json] {
    const members = this.entries();
    // Some writers spell every tag out and leave the unused ones null.
    const used = members.length > 1 ? members.filter(([, value]) => !value.isAbsent) : members;
    if (used.length !== 1) this.#expected('an object with one key, its tag');
    return used[0]!;
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.#expected('a string');
  }

  name(): string {
    const name = this.string();
    return name.length <= NAME_LIMIT
      ? name
      : this.fail(`a name of ${name.length} characters is beyond the limit of ${NAME_LIMIT}`);
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.#expected('true or false');
  }

  /** An integer, as a bigint beyond 2^53. */
  integer(): number | bigint {
    const { value } = this;
    return typeof value === 'bigint' || Number.isSafeInteger(value)
      ? (value as number | bigint)
      : this.#expected('an integer');
  }

  /** A size or an index: an integer that fits a number. */
  size(): number {
    const value = this.integer();
    return typeof value === 'number' ? value : this.fail(`${value} is no possible size`);
  }

  /** A float; those JSON cannot write are the strings Infinity, -Infinity and NaN. */
  float(): number {
    if (typeof this.value === 'number') return this.value;
    if (typeof this.value === 'bigint') return Number(this.value);
    return NON_FINITE.get(this.value) ?? this.#expected('a number');
  }

  #object(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) this.#expected('an object');
    return this.value as Record<string, unknown>;
  }

  #child(value: unknown, key: string | number): Json {
    return new Json(value, { file: this.file, key, parent: this });
  }

  #expected(what: string): never {
    return this.fail(`expected ${what}, found ${kindOf(this.value)}`);
  }
}

const NON_FINITE: ReadonlyMap<unknown, number> = new Map([
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['NaN', Number.NaN],
]);

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `${String(value).slice(0, 60)}`;
}

/** A record of a file that holds JSON. */
export interface JsonRecord {
  readonly name: string;
  readonly size: number;
  read(): Promise<Uint8Array>;
}

export async function readJson(record: JsonRecord, file: string): Promise<Json> {
  const { name, size } = record;
  if (size > JSON_LIMIT) fail('LimitExceeded', { file, what: `the size of ${name}`, found: size, limit: JSON_LIMIT });
  return parseJson(await record.read(), file, name);
}

/** Parse a record of `file`; `record` is its name there. */
export function parseJson(bytes: Uint8Array, file: string, record: string): Json {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return new Json(hasLongInteger(text) ? JSON.parse(text, exactInteger) : JSON.parse(text), { file, key: record });
  } catch (cause) {
    return fail(
      'CorruptModel',
      { file, where: record, reason: `it is not JSON (${cause instanceof Error ? cause.message : 'unreadable'})` },
      cause,
    );
  }
}

/** Reviving costs ten times the parsing: only where an integer of 16 digits could be beyond 2^53. */
const hasLongInteger = (text: string): boolean => /\d{16}/.test(text);

function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  // 64-bit integers have at most 19 digits; anything longer is no integer of PyTorch.
  return /^-?\d{1,20}$/.test(source) ? BigInt(source) : value;
}

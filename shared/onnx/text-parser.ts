/**
 * Reads models in ONNX's text syntax, as `text.ts` prints them. A mistake in the text is a plain Error with its line.
 */
import { memoryData, type TensorData } from '../tensor/data.ts';
import type { Dim } from '../tensor/dim.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { elementCount, type TensorType, tensorType } from '../tensor/type.ts';
import { dimOfParam } from './dim-text.ts';
import { type Attribute, Graph, type Model, Node, Value } from './ir.ts';
import { bytesOfTexts, DTYPE_OF_NAME, floatOfText } from './text-numbers.ts';
import { type Token, type TokenKind, tokenize } from './text-tokens.ts';
import { unknownDim } from './unknown-dim.ts';

export function parseModel(text: string): Model {
  return new Parser(text).model();
}

/** Names of one graph and of those around it. */
class Scope {
  readonly #values = new Map<string, Value>();
  readonly #parent: Scope | null;
  /** Types declared for values that nodes compute. */
  readonly types = new Map<string, TensorType | null>();
  constructor(parent: Scope | null) {
    this.#parent = parent;
  }
  define(value: Value): Value {
    if (this.#values.has(value.name)) throw new Error(`"${value.name}" is defined twice`);
    if (value.name !== '') this.#values.set(value.name, value);
    return value;
  }
  get(name: string): Value {
    const value = this.#values.get(name) ?? this.#parent?.get(name);
    if (!value) throw new Error(`"${name}" is not defined`);
    return value;
  }
}

interface Declared {
  readonly name: string;
  readonly type: TensorType | null;
  readonly data: TensorData | null;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #unknown = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  model(): Model {
    const facts = this.#modelFacts();
    const graph = this.#located(() => this.#graph(null));
    this.#take('end');
    return {
      graph,
      opsets: new Map(
        [...(facts.maps.get('opset_import') ?? [])].map(([domain, version]) => [domain, Number(version)]),
      ),
      irVersion: Number(facts.plain.get('ir_version') ?? 10),
      producerName: facts.plain.get('producer_name') ?? '',
      producerVersion: facts.plain.get('producer_version') ?? '',
      metadata: new Map(facts.maps.get('metadata_props')),
    };
  }

  #modelFacts(): { plain: Map<string, string>; maps: Map<string, Map<string, string>> } {
    const plain = new Map<string, string>();
    const maps = new Map<string, Map<string, string>>();
    this.#mark('<');
    do {
      const key = this.#take('name');
      this.#mark(':');
      if (this.#peek('[')) {
        maps.set(key, new Map(this.#list('[', ']', () => [this.#take('string'), this.#mapValue()])));
      } else plain.set(key, this.#next().text);
    } while (this.#skip(','));
    this.#mark('>');
    return { plain, maps };
  }

  #mapValue(): string {
    this.#mark(':');
    return this.#next().text;
  }

  #graph(outer: Scope | null): Graph {
    const scope = new Scope(outer);
    const graph = new Graph(this.#name());
    for (const { name, type } of this.#list('(', ')', () => this.#declared())) {
      const value = graph.addInput(name, type);
      scope.define(value);
    }
    this.#mark('=>');
    const outputs = this.#list('(', ')', () => this.#declared());
    for (const { name, type } of outputs) scope.types.set(name, type);
    if (this.#peek('<')) {
      for (const { name, type, data } of this.#list('<', '>', () => this.#declared())) {
        if (data) scope.define(graph.addInitializer(name, data));
        else scope.types.set(name, type);
      }
    }
    this.#mark('{');
    while (!this.#skip('}')) graph.addNode(this.#node(scope));
    for (const { name } of outputs) graph.outputs.push(scope.get(name));
    return graph;
  }

  /** `float[2] w = {1, 2}`, `float[N] x`, or a name alone. */
  #declared(): Declared {
    const type = this.#isType() ? this.#type() : null;
    const name = this.#name();
    if (!this.#skip('=')) return { name, type, data: type && this.#peek('{') ? this.#tensor(type) : null };
    if (!type) throw new Error(`initializer "${name}" has no type`);
    return { name, type, data: this.#tensor(type) };
  }

  /** A name of a type followed by something that can go on after it. */
  #isType(): boolean {
    const token = this.#tokens[this.#at]!;
    const following = this.#tokens[this.#at + 1]!;
    return (
      token.kind === 'name' &&
      DTYPE_OF_NAME.has(token.text) &&
      (following.kind === 'name' || following.kind === 'string' || following.text === '[' || following.text === '{')
    );
  }

  #type(): TensorType | null {
    const dtype: Dtype = DTYPE_OF_NAME.get(this.#take('name'))!;
    if (!this.#peek('[')) return tensorType(dtype, []);
    const dims = this.#list('[', ']', () => this.#dim());
    // `float[]` is a float of unknown rank.
    return dims.length ? tensorType(dtype, dims) : null;
  }

  #dim(): Dim {
    if (this.#skip('?')) return unknownDim(this.#unknown++);
    const token = this.#next();
    if (token.kind === 'number') return Number(token.text);
    return dimOfParam(token.text) ?? unknownDim(this.#unknown++);
  }

  #tensor({ dtype, shape }: TensorType): TensorData {
    const numbers = this.#list('{', '}', () => this.#next().text);
    if (numbers.length !== elementCount(shape as number[]))
      throw new Error(`${numbers.length} elements for the shape [${shape.join(',')}]`);
    return memoryData(dtype, shape as number[], bytesOfTexts(dtype, numbers));
  }

  #node(scope: Scope): Node {
    const label = this.#skip('[') ? this.#name() : '';
    if (label) this.#mark(']');
    const outputNames: string[] = [];
    do outputNames.push(this.#name());
    while (this.#skip(','));
    this.#mark('=');
    const path = [this.#take('name')];
    while (this.#skip('.')) path.push(this.#take('name'));
    const before = this.#attributes(scope);
    const inputs = this.#list('(', ')', () => (this.#peek(',') ? '' : this.#name())).map((name) =>
      name === '' ? null : scope.get(name),
    );
    const attributes = new Map([...before, ...this.#attributes(scope)]);
    const outputs = outputNames.map((name) => scope.define(new Value(name, scope.types.get(name) ?? null)));
    const node = new Node({ op: path.pop()!, domain: path.join('.'), inputs, outputs, attributes });
    node.name = label;
    return node;
  }

  #attributes(scope: Scope): [string, Attribute][] {
    if (!this.#peek('<')) return [];
    return this.#list('<', '>', () => {
      const name = this.#take('name');
      const kind = this.#skip(':') ? this.#take('name') : null;
      this.#mark('=');
      return [name, this.#attribute(scope, kind)];
    });
  }

  #attribute(scope: Scope, declared: string | null): Attribute {
    if (this.#peek('[')) {
      const items = this.#list('[', ']', () => this.#next());
      return listAttribute(items, declared);
    }
    if (this.#isType()) {
      const type = this.#type();
      if (!type) throw new Error('a tensor needs a shape');
      return { kind: 'tensor', value: this.#tensor(type) };
    }
    const token = this.#tokens[this.#at]!;
    const isGraph = token.kind === 'name' || this.#tokens[this.#at + 1]!.text === '(';
    if (isGraph) return { kind: 'graph', value: this.#graph(scope) };
    this.#at++;
    if (token.kind === 'string') return { kind: 'string', value: token.text };
    return declared === 'float' || isFloatText(token.text)
      ? { kind: 'float', value: floatOfText(token.text) }
      : { kind: 'int', value: integer(token.text) };
  }

  #list<T>(open: string, close: string, item: () => T): T[] {
    this.#mark(open);
    const items: T[] = [];
    if (this.#skip(close)) return items;
    do items.push(item());
    while (this.#skip(','));
    this.#mark(close);
    return items;
  }

  #name(): string {
    const token = this.#next();
    if (token.kind !== 'name' && token.kind !== 'string') throw new Error(`a name is expected, found ${token.text}`);
    return token.text;
  }

  #take(kind: TokenKind): string {
    const token = this.#next();
    if (token.kind !== kind) throw new Error(`a ${kind} is expected, found ${token.text}`);
    return token.text;
  }

  #next(): Token {
    return this.#tokens[Math.min(this.#at++, this.#tokens.length - 1)]!;
  }

  #peek(mark: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'mark' && token.text === mark;
  }

  #skip(mark: string): boolean {
    const found = this.#peek(mark);
    if (found) this.#at++;
    return found;
  }

  #mark(mark: string): void {
    if (!this.#skip(mark)) throw new Error(`${mark} is expected, found ${this.#tokens[this.#at]?.text}`);
  }

  #located<T>(parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      const token = this.#tokens[Math.min(Math.max(this.#at - 1, 0), this.#tokens.length - 1)]!;
      throw new Error(`line ${token.line}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
}

const isFloatText = (text: string): boolean => /[.eE]|inf|nan/.test(text);

function integer(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function listAttribute(items: readonly Token[], declared: string | null): Attribute {
  const texts = items.map((t) => t.text);
  if (declared === 'strings' || items[0]?.kind === 'string') return { kind: 'strings', value: texts };
  if (declared === 'floats' || texts.some(isFloatText)) return { kind: 'floats', value: texts.map(floatOfText) };
  return { kind: 'ints', value: texts.map(integer) };
}

/**
 * best_configure.yaml, which Neural Compressor 1.x writes beside the weights: the block style of PyYAML's dump, with
 * tuples as keys. Tags that make objects are a table; anything else is refused.
 */
import { utf8Text } from '../../bytes/text.ts';
import { fail } from '../../errors.ts';
import { type Dict, OrderedDict, type PickleValue, Tuple } from '../pickle-values.ts';

const YAML_LIMITS = { bytes: 16 * 1024 * 1024, depth: 64 } as const;

export function readConfigureYaml(bytes: Uint8Array, file: string): PickleValue {
  if (bytes.byteLength > YAML_LIMITS.bytes)
    fail('LimitExceeded', { file, what: 'the size in bytes', found: bytes.byteLength, limit: YAML_LIMITS.bytes });
  return new BlockYaml(utf8Text(bytes), file).read();
}

type Refuse = (reason: string) => never;

const mapping = (value: PickleValue, refuse: Refuse): Dict =>
  value instanceof Map ? value : refuse('a dictionary is none');
const items = (value: PickleValue | undefined, refuse: Refuse): readonly PickleValue[] =>
  Array.isArray(value) ? value : value instanceof Tuple ? value.items : refuse('a list is none');

const TAGS: Readonly<Record<string, (value: PickleValue, refuse: Refuse) => PickleValue>> = {
  '!!python/tuple': (value, refuse) => new Tuple(items(value, refuse)),
  // The only argument is a list of pairs.
  '!!python/object/apply:collections.OrderedDict': (value, refuse) => {
    const [pairs = []] = items(value, refuse);
    const entries = items(pairs, refuse).map((pair) => items(pair, refuse));
    return new OrderedDict(entries.map(([key = null, entry = null]) => [key, entry]));
  },
  '!!python/object:neural_compressor.conf.dotdict.DotDict': mapping,
  '!!python/object/new:neural_compressor.conf.dotdict.DotDict': (value, refuse) =>
    mapping(mapping(value, refuse).get('dictitems') ?? new Map(), refuse),
};

interface Line {
  readonly indent: number;
  readonly text: string;
}

const PROPERTIES = /^(?:&(\w+)(?: |$))?(!\S+)?(?: |$)?/;
const KEY = /^(\*\w+|'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s'"[\]{}&*!?-][^]*?) ?:(?: (.*)|$)/;

class BlockYaml {
  readonly #lines: Line[];
  readonly #file: string;
  readonly #anchors = new Map<string, PickleValue>();
  #at = 0;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#lines = text
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !/^\s*#|^---/.test(line))
      .map((line) => ({ indent: line.search(/\S/), text: line.trim() }));
  }

  read(): PickleValue {
    const value = this.#lines.length === 0 ? null : this.#block(0);
    return this.#at === this.#lines.length ? value : this.#refuse('it goes on after its end');
  }

  readonly #refuse: Refuse = (reason) =>
    fail('CorruptModel', { file: this.#file, where: `near "${this.#line?.text.slice(0, 60) ?? 'its end'}"`, reason });

  get #line(): Line | undefined {
    return this.#lines[this.#at];
  }

  /** The node that begins at the current line. */
  #block(depth: number): PickleValue {
    const line = this.#line ?? this.#refuse('it ends inside a value');
    if (depth > YAML_LIMITS.depth) return this.#refuse(`it is nested deeper than ${YAML_LIMITS.depth}`);
    if (/^-(?: |$)/.test(line.text)) return this.#list(line.indent, depth);
    if (/^\?(?: |$)/.test(line.text) || KEY.test(line.text)) return this.#dictionary(line.indent, depth);
    this.#at++;
    return this.#node(line.text, { parent: line.indent, isAligned: true, depth });
  }

  /** What follows "- ", "? " and ": " is a node of its own, two columns further in. */
  #nested(line: Line, depth: number): PickleValue {
    const text = line.text.slice(1).trimStart();
    const indent = line.indent + line.text.length - text.length;
    const [properties] = PROPERTIES.exec(text)!;
    if (text === properties) {
      this.#at++;
      return this.#node(text, { parent: line.indent, isAligned: line.text[0] !== '-', depth });
    }
    this.#lines[this.#at] = { indent, text };
    return this.#block(depth + 1);
  }

  #list(indent: number, depth: number): PickleValue[] {
    const values: PickleValue[] = [];
    while (this.#line?.indent === indent && /^-(?: |$)/.test(this.#line.text))
      values.push(this.#nested(this.#line, depth));
    return values;
  }

  #dictionary(indent: number, depth: number): Dict {
    const dict: Dict = new Map();
    while (this.#line?.indent === indent) {
      const { text } = this.#line;
      if (/^\?(?: |$)/.test(text)) {
        const key = this.#nested(this.#line, depth);
        const value = this.#line;
        const hasValue = value?.indent === indent && /^:(?: |$)/.test(value.text);
        dict.set(key, hasValue ? this.#nested(value, depth) : null);
        continue;
      }
      const [, key, value = ''] = KEY.exec(text) ?? this.#refuse('a key is missing');
      this.#at++;
      dict.set(this.#scalar(key!), this.#node(value, { parent: indent, isAligned: true, depth }));
    }
    return dict;
  }

  /** `isAligned`: a list below a key may stand in the key's own column. */
  #node(text: string, at: { parent: number; isAligned: boolean; depth: number }): PickleValue {
    const [properties, anchor, tag] = PROPERTIES.exec(text)!;
    const rest = text.slice(properties.length).trim();
    const value = rest === '' ? this.#below(at) : this.#scalar(rest);
    const made = tag === undefined ? value : this.#tagged(tag, value);
    if (anchor !== undefined) this.#anchors.set(anchor, made);
    return made;
  }

  #below({ parent, isAligned, depth }: { parent: number; isAligned: boolean; depth: number }): PickleValue {
    const next = this.#line;
    const isList = next !== undefined && /^-(?: |$)/.test(next.text);
    const isBelow = next !== undefined && (next.indent > parent || (isAligned && isList && next.indent === parent));
    return isBelow ? this.#block(depth + 1) : null;
  }

  #tagged(tag: string, value: PickleValue): PickleValue {
    const make = Object.hasOwn(TAGS, tag) ? TAGS[tag]! : null;
    return make ? make(value, this.#refuse) : fail('UnsafePickle', { file: this.#file, global: tag.slice(0, 200) });
  }

  #scalar(text: string): PickleValue {
    if (text.startsWith('*')) return this.#anchors.get(text.slice(1)) ?? this.#refuse('it names a value it has not');
    if (text === '[]') return [];
    if (text === '{}') return new Map();
    if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
    if (text.startsWith('"')) return this.#quoted(text);
    if (/^['[{&!|>%@`]/.test(text)) return this.#refuse('this form of a value is not readable');
    return plainScalar(text);
  }

  #quoted(text: string): string {
    try {
      // Of YAML's escapes, \xE9 is the one that JSON lacks and PyYAML writes.
      return String(
        JSON.parse(text.replace(/\\(?:x([\dA-F]{2})|.)/g, (all, hex?: string) => (hex ? `\\u00${hex}` : all))),
      );
    } catch {
      return this.#refuse('a quoted text is not readable');
    }
  }
}

const WORDS: Readonly<Record<string, PickleValue>> = {
  null: null,
  '~': null,
  true: true,
  false: false,
  '.inf': Infinity,
  '-.inf': -Infinity,
  '.nan': NaN,
};

function plainScalar(text: string): PickleValue {
  if (Object.hasOwn(WORDS, text)) return WORDS[text]!;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}

/** Markup that escapes by default: every hole of the `html` tag is escaped, and only scripts of ours go out as they are. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

// Controls, bidirectional overrides, zero-width characters and lone surrogates are written out: a name may not hide or
// reorder its neighbours.
const SPECIAL = /[&<>"'`]|[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]--[\n\t]]/gv;

const escapeCharacter = (character: string): string =>
  ENTITIES[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`;
const escape = (text: string): string => text.replace(SPECIAL, escapeCharacter);

class Markup {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

/** Text that is already markup. The class stays in this file, so nothing else can make one. */
export type Html = Markup;
/** What a hole may hold; null leaves it empty. */
export type Hole = Html | string | number | null | readonly Hole[];

function fill(hole: Hole): string {
  if (hole === null) return '';
  if (hole instanceof Markup) return hole.toString();
  return Array.isArray(hole) ? (hole as readonly Hole[]).map(fill).join('') : escape(String(hole));
}

export const html = (literals: TemplateStringsArray, ...holes: readonly Hole[]): Html =>
  new Markup(literals.reduce((text, literal, i) => text + fill(holes[i - 1] ?? null) + literal));

// What makes a browser end a script element early, or read on behind its end.
const LEAVES_SCRIPT = /<\/script|<!--/i;

/** A script element with a module of ours. Its text is not escaped, because browsers read no entities in there. */
export function script(text: string): Html {
  if (LEAVES_SCRIPT.test(text)) throw new Error(`a script may not hold "${LEAVES_SCRIPT.exec(text)![0]}"`);
  return new Markup(`<script type="module">${text}</script>`);
}

/** Text for a script of ours to read with JSON.parse, whatever is in it. */
export const dataElement = (id: string, text: string): Html =>
  new Markup(
    html`<script type="application/json" id="${id}">`.toString() +
      JSON.stringify(text).replaceAll('<', '\\u003c') +
      '</script>',
  );

const isHighSurrogate = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xd800;

/** At most `limit` UTF-16 units: the middle of a longer text gives way, since names differ at both ends. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let head = Math.ceil((limit - 1) / 2);
  let tail = text.length - Math.floor((limit - 1) / 2);
  if (isHighSurrogate(text, head - 1)) head--;
  if (isHighSurrogate(text, tail - 1)) tail++;
  return `${text.slice(0, head)}…${text.slice(tail)}`;
}

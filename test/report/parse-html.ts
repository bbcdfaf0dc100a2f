/**
 * A strict reader for the pages we write: every attribute quoted, every element closed, no bare "<". Throws on anything
 * else.
 */

export interface Element {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
}

const VOID = new Set(['meta', 'link', 'br']);
const TOKEN = /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z][\w-]*="[^"<>]*")*)\s*(\/?)>|<!doctype html>|[^<>]+/y;
const ATTRIBUTE = /([a-zA-Z][\w-]*)="([^"]*)"/g;

const decode = (text: string): string =>
  text.replace(
    /&(amp|lt|gt|quot|#39|#96);/g,
    (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`' })[name]!,
  );

function checkEntities(text: string): void {
  const bare = /&(?!(amp|lt|gt|quot|#39|#96);)/.exec(text);
  if (bare) throw new Error(`bare "&" in: ${text.slice(bare.index, bare.index + 60)}`);
}

export function parseHtml(source: string): Element {
  const root: Element = { tag: '#root', attributes: new Map(), children: [], text: '' };
  const stack: Element[] = [root];
  // CSS may hold ">" and quotes; it is ours alone and is checked by its own test.
  const page = source.replace(/<style>[^<]*<\/style>/, '<style></style>');
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < page.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(page);
    if (!token) throw new Error(`not well formed at: ${page.slice(at, at + 80)}`);
    const [all, closing, tag, attributes, empty] = token;
    const top = stack.at(-1)!;
    if (tag === undefined) {
      if (!all.startsWith('<!')) {
        checkEntities(all);
        for (const element of stack) element.text += decode(all);
      }
    } else if (closing) {
      if (top.tag !== tag)
        throw new Error(`</${tag}> closes <${top.tag}> at: ${page.slice(Math.max(0, at - 80), at + 20)}`);
      stack.pop();
    } else {
      checkEntities(attributes!);
      const element: Element = {
        tag,
        attributes: new Map([...attributes!.matchAll(ATTRIBUTE)].map(([, k, v]) => [k!, decode(v!)])),
        children: [],
        text: '',
      };
      top.children.push(element);
      if (!empty && !VOID.has(tag)) stack.push(element);
    }
  }
  if (stack.length > 1) throw new Error(`<${stack.at(-1)!.tag}> is never closed`);
  return root;
}

export const all = (element: Element): readonly Element[] =>
  element.children.flatMap((child) => [child, ...all(child)]);
export const byTag = (element: Element, tag: string): readonly Element[] => all(element).filter((e) => e.tag === tag);
export const hasClass = (element: Element, name: string): boolean =>
  (element.attributes.get('class') ?? '').split(' ').includes(name);
export const byClass = (element: Element, name: string): readonly Element[] =>
  all(element).filter((e) => hasClass(e, name));
export const byId = (element: Element, id: string): Element | undefined =>
  all(element).find((e) => e.attributes.get('id') === id);
export const cellsOf = (row: Element): readonly string[] => row.children.map((cell) => cell.text);
/** Element and attribute names in order: what markup a page has, whatever its texts say. */
export const skeleton = (element: Element): string =>
  all(element)
    .map((e) => `${e.tag}(${[...e.attributes.keys()].join(' ')})`)
    .join('\n');

/** Tokens of the text syntax, with their place for messages. */

export type TokenKind = 'name' | 'string' | 'number' | 'mark' | 'end';
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly line: number;
}

const PATTERN =
  /(?<space>[ \t\r]+|#[^\n]*)|(?<newline>\n)|"(?<string>(?:[^"\\]|\\.)*)"|(?<number>[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+|inf\b|nan\b))|(?<name>[A-Za-z_]\w*)|(?<mark>=>|\.\.\.|[<>()[\]{}=:,.?@])/y;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  PATTERN.lastIndex = 0;
  while (PATTERN.lastIndex < text.length) {
    const at = PATTERN.lastIndex;
    const groups = PATTERN.exec(text)?.groups;
    if (!groups) throw new Error(`line ${line}: cannot read ${JSON.stringify(text.slice(at, at + 20))}`);
    if (groups['newline'] !== undefined) line++;
    else if (groups['string'] !== undefined)
      tokens.push({ kind: 'string', text: groups['string'].replace(/\\(.)/gs, '$1'), line });
    else {
      const kind = (['number', 'name', 'mark'] as const).find((k) => groups[k] !== undefined);
      if (kind) tokens.push({ kind, text: groups[kind]!, line });
    }
  }
  return [...tokens, { kind: 'end', text: 'end of text', line }];
}

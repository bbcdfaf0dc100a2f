/**
 * Reads dimensions back from the text `dimText` writes: names, and expressions such as `2*s + 1` or `floordiv(s, 2)`.
 */
import { addDims, CALLS, type Dim, type DimFunction, isStatic, mulDims, negDim, symbol } from '../tensor/dim.ts';

const TOKEN = /\s*(?:(\d+)|([A-Za-z_][\w.$:#/]*)|([-+*(),]))/y;

/**
 * A `dim_param` as a dimension. Text that is no expression of ours is one name, as ONNX has it; a bare number or the
 * empty string says nothing (null).
 */
export function dimOfParam(text: string): Dim | null {
  const dim = parseExpression(text);
  if (dim !== null) return isStatic(dim) ? null : dim;
  return text === '' ? null : symbol(text);
}

function parseExpression(text: string): Dim | null {
  const tokens = tokenize(text);
  if (!tokens || tokens.length > 1000) return null;
  let at = 0;
  const take = (token: string): boolean => tokens[at] === token && at++ >= 0;

  const sum = (depth: number): Dim | null => {
    const terms: Dim[] = [];
    for (let sign = take('-') ? -1 : 1; ;) {
      const term = product(depth);
      if (term === null) return null;
      terms.push(sign < 0 ? negDim(term) : term);
      if (take('+')) sign = 1;
      else if (take('-')) sign = -1;
      else return addDims(...terms);
    }
  };
  const product = (depth: number): Dim | null => {
    const factors: Dim[] = [];
    do {
      const factor = atom(depth);
      if (factor === null) return null;
      factors.push(factor);
    } while (take('*'));
    return mulDims(...factors);
  };
  const atom = (depth: number): Dim | null => {
    const token = tokens[at];
    if (token === undefined || depth > 20) return null;
    at++;
    if (/^\d+$/.test(token)) return Number.isSafeInteger(Number(token)) ? Number(token) : null;
    if (!/^\w/.test(token)) return null;
    if (!take('(')) return symbol(token);
    const a = sum(depth + 1);
    const b = take(',') ? sum(depth + 1) : null;
    return token in CALLS && a !== null && b !== null && take(')') ? CALLS[token as DimFunction](a, b) : null;
  };

  const dim = sum(0);
  return at === tokens.length ? dim : null;
}

function tokenize(text: string): string[] | null {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) return null;
    tokens.push(match[1] ?? match[2] ?? match[3]!);
  }
  return tokens;
}

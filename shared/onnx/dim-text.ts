/**
 * Reads dimensions back from the text `dimText` writes: names, and expressions such as `2*s + 1` or `floordiv(s, 2)`.
 */
import {
  addDims,
  CALLS,
  type Dim,
  type DimFunction,
  isStatic,
  mulDims,
  negDim,
  roundDims,
  symbol,
} from '../tensor/dim.ts';
import { type Formula, FORMULA_FUNCTIONS, type FormulaFunction, type Rounding, ROUNDINGS } from '../tensor/formula.ts';

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:e[-+]?\d+)?)|([A-Za-z_][\w.$:#/]*)|([-+*(),]))/y;

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
    if (Object.hasOwn(ROUNDINGS, token)) {
      const args: Dim[] = [];
      const of = formula(depth + 1, args);
      return of !== null && take(')') ? roundDims(token as Rounding, of, args) : null;
    }
    const a = sum(depth + 1);
    const b = take(',') ? sum(depth + 1) : null;
    return token in CALLS && a !== null && b !== null && take(')') ? CALLS[token as DimFunction](a, b) : null;
  };

  /** What `formulaText` writes: constants have a point or an exponent, whatever else is no function is a dimension. */
  const formula = (depth: number, args: Dim[]): Formula | null => {
    const token = tokens[at];
    if (token === undefined || depth > 20) return null;
    if (/^\d+(\.|e)/.test(token)) return Number(tokens[at++]);
    if (Object.hasOwn(FORMULA_FUNCTIONS, token) && tokens[at + 1] === '(') {
      at += 2;
      const of: Formula[] = [];
      do {
        const part = formula(depth + 1, args);
        if (part === null) return null;
        of.push(part);
      } while (take(','));
      return of.length === FORMULA_FUNCTIONS[token as FormulaFunction].length && take(')')
        ? { fn: token as FormulaFunction, of }
        : null;
    }
    const dim = sum(depth);
    return dim === null ? null : { arg: args.push(dim) - 1 };
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

/** The syntax of symbolic expressions: Python calls and operators, as sympy prints them with `srepr` and with `str`. */

export type Syntax =
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'call'; readonly head: string; readonly args: readonly Syntax[] };

export const EXPRESSION_LIMITS = { length: 10_000, depth: 100, operations: 300 } as const;

type Fail = (reason: string) => never;

const TOKEN =
  /\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?)|'((?:[^'\\]|\\.)*)'|([A-Za-z_][\w.]*)|(\*\*|\/\/|[<>=!]=|[-+*/%<>()=,[\]&|~]))/y;

/** Binary operators by rising precedence, with the head each stands for. */
const LEVELS: readonly Readonly<Record<string, string>>[] = [
  { or: 'Or' },
  { and: 'And' },
  { '|': 'Or' },
  { '&': 'And' },
  {
    '<': 'StrictLessThan',
    '<=': 'LessThan',
    '>': 'StrictGreaterThan',
    '>=': 'GreaterThan',
    '==': 'Equality',
    '!=': 'Unequality',
  },
  { '+': 'Add', '-': 'Sub' },
  { '*': 'Mul', '/': 'Div', '//': 'FloorDiv', '%': 'Mod' },
];

/** Names that are operators. */
const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not']);

const COMPARISONS = LEVELS.findIndex((level) => '==' in level);

type Token = Exclude<Syntax, { kind: 'call' }> | { readonly kind: 'sign'; readonly sign: string };

export function parseSyntax(text: string, refuse: Fail): Syntax {
  if (text.length > EXPRESSION_LIMITS.length)
    refuse(`an expression of ${text.length} characters is beyond the limit of ${EXPRESSION_LIMITS.length}`);
  const tokens = tokenize(text, refuse);
  const wrong = (): never => refuse(`"${text.slice(0, 200)}" is no expression`);
  let at = 0;
  const take = (sign: string): boolean => {
    const token = tokens[at];
    if (token?.kind !== 'sign' || token.sign !== sign) return false;
    at++;
    return true;
  };

  const binary = (level: number, depth: number): Syntax => {
    const operators = LEVELS[level];
    if (!operators) return unary(depth);
    let left = binary(level + 1, depth);
    for (;;) {
      const token = tokens[at];
      const head = token?.kind === 'sign' && Object.hasOwn(operators, token.sign) ? operators[token.sign]! : null;
      if (head === null) return left;
      at++;
      left = { kind: 'call', head, args: [left, binary(level + 1, depth)] };
    }
  };
  const unary = (depth: number): Syntax => {
    if (depth > EXPRESSION_LIMITS.depth) refuse(`an expression is nested more than ${EXPRESSION_LIMITS.depth} deep`);
    if (take('-')) return { kind: 'call', head: 'Neg', args: [unary(depth + 1)] };
    if (take('+')) return unary(depth + 1);
    // Python's "not" takes in a whole comparison.
    if (take('not')) return { kind: 'call', head: 'Not', args: [binary(COMPARISONS, depth + 1)] };
    if (take('~')) return { kind: 'call', head: 'Not', args: [unary(depth + 1)] };
    const base = atom(depth);
    return take('**') ? { kind: 'call', head: 'Pow', args: [base, unary(depth + 1)] } : base;
  };
  const atom = (depth: number): Syntax => {
    if (take('(')) {
      const inner = binary(0, depth + 1);
      return take(')') ? inner : wrong();
    }
    const token = tokens[at++];
    if (!token || token.kind === 'sign') return wrong();
    if (token.kind !== 'name' || !take('(')) return token;
    return { kind: 'call', head: token.name, args: callArguments(depth + 1) };
  };
  /** Keyword arguments (`positive=True`) state assumptions only; they are left out. */
  const callArguments = (depth: number): Syntax[] => {
    const args: Syntax[] = [];
    while (!take(')')) {
      const next = tokens[at + 1];
      const isKeyword = tokens[at]?.kind === 'name' && next?.kind === 'sign' && next.sign === '=';
      if (isKeyword) at += 2;
      const value = binary(0, depth);
      if (!isKeyword) args.push(value);
      if (!take(',') && !(tokens[at]?.kind === 'sign' && (tokens[at] as { sign: string }).sign === ')')) wrong();
    }
    return args;
  };

  const syntax = binary(0, 0);
  return at === tokens.length ? syntax : wrong();
}

function tokenize(text: string, refuse: Fail): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) return refuse(`"${text.slice(start, start + 40)}" is no expression`);
    const [, number, string, name, sign] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (string !== undefined) tokens.push({ kind: 'string', value: string });
    else if (name !== undefined) tokens.push(WORDS.has(name) ? { kind: 'sign', sign: name } : { kind: 'name', name });
    else tokens.push({ kind: 'sign', sign: sign! });
  }
  return tokens;
}

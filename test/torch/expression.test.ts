/**
 * Symbolic sizes against sympy and torch: `expressions.json` holds what torch's own functions give for four sets of
 * sizes.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dimText, evaluateDim } from '../../shared/tensor/dim.ts';
import { parseDim } from '../../shared/torch/expression.ts';

interface Case {
  readonly srepr: string;
  readonly str: string;
  readonly values: readonly (readonly [sizes: Record<string, number>, result: number])[];
}
const CASES = JSON.parse(readFileSync(new URL('expressions.json', import.meta.url), 'utf8')) as readonly Case[];

class Refused extends Error {}
const refuse = (reason: string): never => {
  throw new Refused(reason);
};
const parse = (text: string): string => dimText(parseDim(text, refuse));

describe.each(CASES)('$str', ({ srepr, str, values }) => {
  test.each([
    ['srepr', srepr],
    ['str', str],
  ])('as %s', (_, text) => {
    const dim = parseDim(text, refuse);
    for (const [sizes, result] of values) expect(evaluateDim(dim, new Map(Object.entries(sizes)))).toBe(result);
  });
});

describe('normal form', () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Symbol('s0', positive=True, integer=True)", 's0'],
    ['Integer(-3)', '-3'],
    ["Mul(Rational(1, 2), Symbol('s0'))", 'floordiv(s0, 2)'],
    ["Mul(Rational(1, 2), Add(Symbol('s0'), Integer(4)))", 'floordiv(s0, 2) + 2'],
    ["Mul(Symbol('a'), Pow(Symbol('b'), Integer(-1)), Symbol('b'))", 'a'],
    ['((s0 - 1)//16) + 1', 'floordiv(s0 + 15, 16)'],
    ['s0/2', 'floordiv(s0, 2)'],
    ['-s0 + 8', '-s0 + 8'],
    ['2*(s0 + 3)', '2*s0 + 6'],
    ['2**3', '8'],
    // (a / 3.0) * 3.0 in floating point need not be a.
    ["TruncToInt(Mul(FloatTrueDiv(ToFloat(Symbol('a')), Float('3.0')), Float('3.0')))", 'trunc(mul(div(a, 3.0), 3.0))'],
    ["TruncToInt(Mul(Float('0.69999999999999996'), ToFloat(Symbol('a'))))", 'trunc(mul(0.7, a))'],
    ["RoundToInt(ToFloat(Symbol('a')))", 'a'],
  ];
  test.each(cases)('%s is %s', (text, expected) => expect(parse(text)).toBe(expected));
});

describe('an expression no dimension can hold', () => {
  const texts = [
    "TruncToInt(OpaqueUnaryFn_sin(ToFloat(Symbol('a'))))",
    "Where(GreaterThan(Symbol('a'), Integer(2)), Integer(1), Symbol('b'))",
    'SomethingNew(a, b)',
    // Three factors are rounded twice, in an order nobody wrote down.
    "TruncToInt(Mul(Float('0.1'), ToFloat(Symbol('a')), Float('0.3')))",
  ];
  test.each(texts)('%s is a symbol of its own, equal to itself only', (text) => {
    const dim = parse(text);
    expect(dim).toMatch(/^[a-z]\w*_[0-9a-f]{8}$/);
    expect(parse(text.replace(', ', ',  '))).toBe(dim);
    expect(parse(text.replace('a', 'c'))).not.toBe(dim);
  });
});

describe('is refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['half an expression', "Add(Symbol('a'"],
    ['two expressions', 'a b'],
    ['a symbol without name', 'Symbol()'],
    ['a symbol named by a number', 'Symbol(3)'],
    ['an operator alone', 'a +'],
    ['other characters', 'a; b'],
    ['a size of 2^63', 'Integer(9223372036854775808)'],
    ['a product beyond 2^53', 'Mul(Integer(9007199254740991), Integer(9007199254740991))'],
    ['a division by zero', 's0/0'],
    ['a difference of one', 'Sub(a)'],
    ['a sign without a number', 'Integer(Neg())'],
    ['a quotient of three', 'Div(a, b, c)'],
    ['a power of one', 'Pow(a)'],
    ['a rounding of nothing', 'FloorToInt()'],
    ['a quotient of nothing', 'FloorDiv()'],
    ['the smallest of nothing', 'Min()'],
    ['text for a size', "'s0'"],
    ['nesting without end', '('.repeat(500) + 'a' + ')'.repeat(500)],
    ['calls nested without end', 'Identity('.repeat(500) + 'a' + ')'.repeat(500)],
    ['powers without end', 'a**'.repeat(500) + 'a'],
    ['signs without end', '-'.repeat(500) + 'a'],
    ['a chain without end', 'a%'.repeat(4_000) + 'a'],
    ['more characters than the limit', `a${'+a'.repeat(6_000)}`],
    ['a product of sums that explodes', Array.from({ length: 20 }, (_, i) => `(a${i} + b${i})`).join('*')],
    ['a power of sums that explodes', `(${Array.from({ length: 40 }, (_, i) => `a${i}`).join('+')})**8`],
  ];
  test.each(cases)('%s', (_, text) => {
    const start = performance.now();
    expect(() => parseDim(text, refuse)).toThrow(Refused);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

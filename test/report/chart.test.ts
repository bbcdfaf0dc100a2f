import { describe, expect, test } from 'vitest';
import { barChart, scaleOf, type Bar } from '../../shared/report/chart.ts';
import type { Html } from '../../shared/report/markup.ts';
import { decades, scatterChart, spread, type Point } from '../../shared/report/scatter.ts';
import { byClass, byTag, parseHtml, type Element } from './parse-html.ts';

const read = (chart: Html): Element => parseHtml(String(chart));
const number = (element: Element, attribute: string): number => Number.parseFloat(element.attributes.get(attribute)!);
const texts = (element: Element, name: string): readonly string[] => byClass(element, name).map((e) => e.text);

const bar = (to: number, from = 0): Bar => ({
  label: `b${to}`,
  from,
  to,
  shown: `${to}`,
  detail: `${to} dB`,
  mark: 'plain',
});
const bars = (...list: readonly Bar[]): Element =>
  read(barChart({ id: 'c', title: 'Title', axis: 'SQNR, dB', tick: String, layout: 'above', bars: list }));

describe('scaleOf', () => {
  test.each<[readonly number[], readonly number[]]>([
    [
      [0, 40],
      [0, 10, 20, 30, 40],
    ],
    [
      [0, 33.1],
      [0, 10, 20, 30, 40],
    ],
    [
      [0, 0.6],
      [0, 0.2, 0.4, 0.6],
    ],
    [
      [0, 1],
      [0, 0.5, 1],
    ],
    [
      [-3, 17],
      [-5, 0, 5, 10, 15, 20],
    ],
    [
      [0, 0],
      [0, 1],
    ],
    [
      [0, 97.8],
      [0, 50, 100],
    ],
    [
      [0, 1e12],
      [0, 5e11, 1e12],
    ],
    [
      [5, 5],
      [5, 10],
    ],
  ])('of %j', (values, ticks) => {
    expect(scaleOf(values, 4).ticks).toEqual(ticks);
  });

  test('holds its values, in at most seven steps, for any range', () => {
    for (let exponent = -90; exponent <= 90; exponent += 3) {
      const values = [-0.37 * 10 ** exponent, 0, 7.7 * 10 ** exponent];
      const { low, high, ticks } = scaleOf(values, 4);
      expect(low).toBeLessThanOrEqual(values[0]!);
      expect(high).toBeGreaterThanOrEqual(values[2]! * (1 - 1e-12));
      expect(ticks.length).toBeLessThanOrEqual(8);
      expect(new Set(ticks).size).toBe(ticks.length);
    }
  });
});

describe('barChart', () => {
  test('lengths are in proportion to values and begin at zero', () => {
    const rects = byTag(bars(bar(10), bar(20), bar(35)), 'rect');
    const [a, b, c] = rects.map((r) => number(r, 'width'));
    expect(b! / a!).toBeCloseTo(2, 2);
    expect(c! / a!).toBeCloseTo(3.5, 2);
    expect(rects.map((r) => number(r, 'x'))).toEqual([0, 0, 0]);
  });

  test('a bar ends where the axis has its value', () => {
    const chart = bars(bar(10), bar(40));
    const ticks = byClass(chart, 'tick');
    expect(ticks.map((t) => t.text)).toEqual(['0', '10', '20', '30', '40']);
    expect(byTag(chart, 'rect').map((r) => number(r, 'width'))).toEqual([
      number(ticks[1]!, 'x'),
      number(ticks[4]!, 'x'),
    ]);
    expect(texts(chart, 'axis')).toEqual(['SQNR, dB']);
    expect(byClass(chart, 'zero').length).toBe(1);
  });

  test.each([
    ['above', 0, 0.81],
    ['beside', 0.4, 0.8],
  ] as const)('labels %s: bars stay between them and the numbers', (layout, left, right) => {
    const [short, long] = byTag(
      read(barChart({ id: 'c', title: 'T', axis: '', tick: String, layout, bars: [bar(10), bar(40)] })),
      'rect',
    );
    expect(number(short!, 'x')).toBeCloseTo(left * 100, 5);
    expect(number(long!, 'x') + number(long!, 'width')).toBeCloseTo(right * 100, 5);
    expect(number(long!, 'width') / number(short!, 'width')).toBeCloseTo(4, 2);
  });

  test('negative values grow to the left of zero', () => {
    const chart = bars(bar(-5), bar(15));
    const zero = number(byClass(chart, 'zero')[0]!, 'x1');
    const [left, right] = byTag(chart, 'rect');
    expect(number(left!, 'x') + number(left!, 'width')).toBeCloseTo(zero, 1);
    expect(number(right!, 'x')).toBeCloseTo(zero, 1);
    expect(number(right!, 'width') / number(left!, 'width')).toBeCloseTo(3, 1);
  });

  test('spans keep start and length', () => {
    const [first, second] = byTag(bars(bar(10, 0), bar(40, 10)), 'rect');
    expect(number(second!, 'x')).toBeCloseTo(number(first!, 'width'), 1);
    expect(number(second!, 'width') / number(first!, 'width')).toBeCloseTo(3, 2);
  });

  test.each([NaN, Infinity, -Infinity, 1e308, 5e-324])('%d keeps its row and draws no bar', (value) => {
    const chart = bars(bar(value), bar(10));
    expect(byTag(chart, 'rect').length).toBe(1);
    expect(texts(chart, 'number').length).toBe(2);
    expect(String(chart.text)).not.toMatch(/undefined/);
  });

  test('nothing but unusable values still draws an axis', () => {
    expect(texts(bars(bar(NaN)), 'tick')).toEqual(['0', '1']);
    expect(texts(bars(bar(0)), 'tick')).toEqual(['0', '1']);
  });

  test('is one image with a title; rows have tooltips; long labels lose their middle', () => {
    const long: Bar = { ...bar(3), label: `encoder.${'layers.'.repeat(30)}proj` };
    const chart = bars(long);
    const [svg] = byTag(chart, 'svg');
    expect(svg!.attributes.get('role')).toBe('img');
    const titles = byTag(chart, 'title');
    expect(titles[0]!.attributes.get('id')).toBe(svg!.attributes.get('aria-labelledby'));
    expect(titles.map((t) => t.text)).toEqual(['Title', '3 dB']);
    const label = byTag(chart, 'text').find((t) => t.text.startsWith('encoder.'))!;
    expect(label.text.length).toBeLessThanOrEqual(41);
    expect(label.text.endsWith('proj')).toBe(true);
  });

  test('rows do not overlap and stay inside', () => {
    const chart = bars(bar(1), bar(2), bar(3));
    const tops = byTag(chart, 'rect').map((r) => number(r, 'y'));
    expect(tops[1]! - tops[0]!).toBe(tops[2]! - tops[1]!);
    expect(tops[1]! - tops[0]!).toBeGreaterThan(number(byTag(chart, 'rect')[0]!, 'height'));
    expect(number(byTag(chart, 'svg')[0]!, 'height')).toBeGreaterThan(tops[2]! + 20);
  });
});

const point = (x: number, y: number, chosen = false): Point => ({ label: `p${x}`, x, y, chosen, detail: `${x}, ${y}` });
const scatter = (kind: 'linear' | 'log', ...points: readonly Point[]): Element =>
  read(
    scatterChart({
      id: 's',
      title: 'T',
      x: { title: 'Size, MB', tick: String },
      y: { title: 'Error', tick: (v) => v.toExponential(0), kind },
      points,
    }),
  );
const dots = (chart: Element): readonly Element[] => byClass(chart, 'point');

describe('scatterChart', () => {
  test('right is more, up is more, both in proportion', () => {
    const [a, b, c] = dots(scatter('linear', point(10, 1), point(20, 2), point(40, 4)));
    expect(number(b!, 'cx') / number(a!, 'cx')).toBeCloseTo(2, 2);
    expect(number(c!, 'cx') / number(a!, 'cx')).toBeCloseTo(4, 2);
    expect((number(a!, 'cy') - number(c!, 'cy')) / (number(a!, 'cy') - number(b!, 'cy'))).toBeCloseTo(3, 1);
  });

  test('a logarithmic axis gives every decade the same height', () => {
    const [a, b, c] = dots(scatter('log', point(1, 1e-6), point(2, 1e-4), point(3, 1e-2)));
    expect(number(a!, 'cy') - number(b!, 'cy')).toBeCloseTo(number(b!, 'cy') - number(c!, 'cy'), 1);
  });

  test('zero stands on the floor of a logarithmic axis', () => {
    const [zero, tiny] = dots(scatter('log', point(1, 0), point(2, 1e-6)));
    expect(number(zero!, 'cy')).toBeGreaterThanOrEqual(number(tiny!, 'cy'));
  });

  test('the chosen one is marked by shape and word', () => {
    const chart = scatter('linear', point(10, 1), point(20, 2, true));
    expect(byClass(chart, 'ring').length).toBe(1);
    expect(texts(chart, 'strong')).toEqual(['p20, chosen']);
    expect(texts(chart, 'axis')).toEqual(['Error', 'Size, MB']);
  });

  test('what is no number is left out', () => {
    expect(dots(scatter('log', point(1, NaN), point(Infinity, 1), point(2, 1e-3), point(3, 1e-2))).length).toBe(2);
  });

  test.each<[readonly number[], readonly number[]]>([
    [
      [1e-6, 0.4],
      [-6, -5, -4, -3, -2, -1, 0],
    ],
    [
      [1, 1],
      [0, 1],
    ],
    [
      [0, 0],
      [0, 1],
    ],
    [
      [1e-12, 1],
      [-12, -10, -8, -6, -4, -2, 0],
    ],
  ])('decades of %j', (values, ticks) => {
    expect(decades(values).ticks).toEqual(ticks);
  });

  test('labels that would meet move apart, others stay', () => {
    const line = (y: number, from: number): { y: number; from: number; to: number } => ({ y, from, to: from + 50 });
    expect(spread([line(100, 0), line(102, 10), line(101, 200)])).toEqual([100, 116, 101]);
    const placed = spread(Array.from({ length: 8 }, () => line(50, 0)));
    expect(new Set(placed).size).toBe(8);
    expect(placed[0]).toBe(50);
  });
});

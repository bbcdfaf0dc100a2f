import { describe, expect, test } from 'vitest';
import { DARK, LIGHT, STYLE, type Palette } from '../../shared/report/style.ts';

// WCAG 2.2, relative luminance and contrast ratio.
const channel = (byte: number): number =>
  byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4;
const luminance = (hex: string): number =>
  [1, 3, 5]
    .map((i) => channel(Number.parseInt(hex.slice(i, i + 2), 16)))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i]!, 0);
const contrast = (a: string, b: string): number => {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
};

const TEXT: readonly (readonly [keyof Palette, keyof Palette])[] = [
  ['ink', 'page'],
  ['ink', 'surface'],
  ['muted', 'page'],
  ['muted', 'surface'],
  ['accent', 'page'],
  ['accent', 'surface'],
  ['accent', 'accentSoft'],
  ['ink', 'accentSoft'],
  ['ink', 'goodSoft'],
  ['ink', 'warnSoft'],
  ['ink', 'badSoft'],
  ['muted', 'badSoft'],
  ['good', 'goodSoft'],
  ['warn', 'warnSoft'],
  ['bad', 'badSoft'],
  ['good', 'surface'],
  ['warn', 'surface'],
  ['bad', 'surface'],
];

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
] as const)('%s', (_, palette) => {
  test('black on white is 21', () => expect(contrast('#000000', '#ffffff')).toBeCloseTo(21));
  test.each(TEXT)('%s on %s reads well (WCAG AA)', (front, back) => {
    expect(contrast(palette[front], palette[back])).toBeGreaterThanOrEqual(4.5);
  });
});

test('knows dark windows, narrow windows and paper', () => {
  for (const query of ['@media(prefers-color-scheme:dark)', '@media(max-width:560px)', '@media print', '@page{size:A4'])
    expect(String(STYLE)).toContain(query);
  expect(String(STYLE)).toContain('details::details-content');
  expect(String(STYLE).split('{').length).toBe(String(STYLE).split('}').length);
});

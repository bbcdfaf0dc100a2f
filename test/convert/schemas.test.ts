/** Every converter's schema against the schemas PyTorch prints: names, types and defaults. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMPLEX_CONVERTERS, CONVERTERS } from '../../shared/convert/registry.ts';
import { parseSchema, type Schema } from '../../shared/convert/schema.ts';

const recorded = new Map(
  readFileSync(new URL('../fixtures/aten-schemas.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => /^(aten|quantized_decomposed|torchvision)::/.test(line))
    .map((line) => parseSchema(line.split('\t')[1]!))
    .map((schema) => [schema.target, schema]),
);

const summary = (schema: Schema): string[] =>
  schema.arguments.map(
    (a) =>
      `${a.type}${a.optionalItems ? '?' : ''}${a.list ? `[${a.listSize ?? ''}]` : ''}${a.optional ? '?' : ''} ` +
      `${a.name}=${normalized(a.default)}`,
  );

/** Quotes, the way floats are printed, and `[1, 1]` for `1` do not matter. */
function normalized(text: string | undefined): string {
  if (text === undefined) return '';
  const items = text.startsWith('[')
    ? text
        .slice(1, -1)
        .split(',')
        .map((i) => i.trim())
    : [];
  if (items.length && items.every((i) => i !== '' && i === items[0])) return normalized(items[0]);
  const bare = text.replace(/^["']|["']$/g, '');
  return bare === '' || Number.isNaN(Number(bare)) ? bare.replaceAll(' ', '') : String(Number(bare));
}

const known = [...CONVERTERS.values(), ...COMPLEX_CONVERTERS.values()]
  .map((c) => c.schema)
  .filter((s) => recorded.has(s.target));

test('nearly every converter is a PyTorch operator of the recorded list', () => {
  const unknown = [...CONVERTERS.keys(), ...COMPLEX_CONVERTERS.keys()].filter(
    (target) => /^(aten|torchvision)::/.test(target) && !recorded.has(target),
  );
  expect(unknown).toEqual([]);
  expect(known.length).toBeGreaterThan(250);
});

test.each(known.map((s) => [s.target, s] as const))('%s', (target, schema) => {
  expect(summary(schema)).toEqual(summary(recorded.get(target)!));
});

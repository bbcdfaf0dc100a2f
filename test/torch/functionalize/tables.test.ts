/** The tables against PyTorch's own schemas: `Tensor(a!)` marks what is written, `Tensor(a)` what is shared. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pureTarget, REFUSED, VIEW_IN_PLACE, WITHOUT_EFFECT } from '../../../shared/torch/functionalize/in-place.ts';
import { outTarget } from '../../../shared/torch/functionalize/out-variants.ts';
import { VIEWS } from '../../../shared/torch/functionalize/views.ts';
import { writerOf } from '../../../shared/torch/functionalize/writers.ts';
import type { TorchNode } from '../../../shared/torch/program.ts';

const rows = readFileSync(new URL('../../fixtures/aten-schemas.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('aten::'))
  .map((line) => line.split('\t'));
const SCHEMAS = new Map(rows.map(([target, schema]) => [target!.replace(/\.default$/, ''), schema!]));
const writing = [...SCHEMAS].filter(([, schema]) => schema.includes('!'));

const node = (target: string): TorchNode => ({
  name: 'n',
  target,
  args: [],
  outputs: [],
  source: { module: '', moduleClass: null, line: null },
});
const parameters = (schema: string): string =>
  schema.slice(schema.indexOf('(') + 1, schema.lastIndexOf(') ->')).replace(/\([a-z]!?( -> \*)?\)/g, '');

/** `range.out_` has no pure form; nobody writes it. */
const UNKNOWN = new Set(['aten::range.out_']);
/** Made of several operators. */
const COMPOSED = new Set(['aten::fill_diagonal_']);
/** Same meaning, arguments adapted. */
const ADAPTED = new Set(
  [
    'zero_',
    'dropout_',
    'feature_dropout_',
    'alpha_dropout_',
    'feature_alpha_dropout_',
    'polygamma_',
    'bernoulli_.float',
    '_index_put_impl_',
  ].map((name) => `aten::${name}`),
);

describe('every schema of the list', () => {
  it('is known as writing exactly when PyTorch says so', () => {
    const known = [...SCHEMAS.keys()].filter((target) => writerOf(node(target)) !== null);
    expect(known.sort()).toEqual(
      writing
        .map(([target]) => target)
        .filter((target) => !UNKNOWN.has(target))
        .sort(),
    );
  });

  it.each(
    writing.filter(
      ([target]) =>
        !(target in REFUSED) && !WITHOUT_EFFECT.has(target) && !UNKNOWN.has(target) && !COMPOSED.has(target),
    ),
  )('%s has a pure form', (target, schema) => {
    const pure = VIEW_IN_PLACE[target] ?? pureTarget(target);
    const out = outTarget(target);
    if (pure === null && out === null)
      return expect(writerOf(node(target))!.name).toMatch(/writeThroughPure|nativeBatchNorm/);
    expect([...SCHEMAS.keys()]).toContain(pure ?? out);
    if (pure !== null && !ADAPTED.has(target)) expect(parameters(SCHEMAS.get(pure)!)).toBe(parameters(schema));
  });

  it('that shares memory has a row', () => {
    const sharing = [...SCHEMAS]
      .filter(([, schema]) => /Tensor\(a( -> \*)?\)/.test(schema) && !schema.includes('!'))
      .map(([target]) => target);
    expect(sharing.filter((target) => !VIEWS.has(target))).toEqual([]);
  });
});

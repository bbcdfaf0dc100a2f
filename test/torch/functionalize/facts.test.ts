/**
 * What PyTorch 2.15 answered about strides and types: `view`, `is_contiguous`, `to(memory_format)`, `promote_types`,
 * `result_type`.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Dtype } from '../../../shared/tensor/dtype.ts';
import { promoteTypes } from '../../../shared/tensor/promotion.ts';
import { resultType } from '../../../shared/torch/functionalize/result-type.ts';
import { isContiguous, isDense, isViewable, suggestedFormat } from '../../../shared/torch/functionalize/strides.ts';
import { rowMajor } from '../../../shared/torch/functionalize/partial-views.ts';
import type { Argument, TorchValue } from '../../../shared/torch/program.ts';

const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as T;

interface StrideFact {
  readonly shape: number[];
  readonly strides: number[];
  readonly to: number[];
  readonly viewable: boolean;
  readonly contiguous: boolean;
  readonly channels_last: boolean;
  readonly channels_last_3d: boolean;
  /** null where the format does not fit the rank. */
  readonly toContiguousIsSelf: boolean | null;
  readonly toChannelsLastIsSelf: boolean | null;
  readonly toChannelsLast3dIsSelf: boolean | null;
  readonly dense: boolean;
}

describe('strides', () => {
  it.each(read<StrideFact[]>('strides.json'))('$shape $strides as $to', (fact) => {
    const { shape, strides } = fact;
    const format = suggestedFormat(shape, strides);
    const found = {
      viewable: isViewable(shape, strides, fact.to),
      contiguous: isContiguous(shape, strides),
      dense: isDense(shape, strides),
      channels_last: isContiguous(shape, strides, 'channels_last'),
      channels_last_3d: isContiguous(shape, strides, 'channels_last_3d'),
      toContiguousIsSelf: format === 'contiguous',
      toChannelsLastIsSelf: fact.toChannelsLastIsSelf === null ? null : format === 'channels_last',
      toChannelsLast3dIsSelf: fact.toChannelsLast3dIsSelf === null ? null : format === 'channels_last_3d',
    };
    expect({ shape, strides, to: fact.to, ...found }).toEqual(fact);
  });
});

interface TypeFacts {
  readonly promote: readonly [Dtype, Dtype, Dtype][];
  /** Operands such as `float32[2]`, `float64[]`, or the kind of a Python number. */
  readonly result: readonly [string[], Dtype][];
}

const NUMBERS: Readonly<Record<string, Argument>> = {
  int: { kind: 'int', value: 1 },
  float: { kind: 'float', value: 1 },
  bool: { kind: 'bool', value: true },
  complex: { kind: 'complex', value: [0, 1] },
};

describe('types', () => {
  const { promote, result } = read<TypeFacts>('result-types.json');

  it('promotes every pair', () => {
    expect(promote.map(([a, b]) => [a, b, promoteTypes(a, b)])).toEqual(promote);
  });

  it.each(result)('%s give %s', (operands, expected) => {
    const values = new Map<string, TorchValue>();
    const args = operands.map((operand, i): Argument => {
      if (NUMBERS[operand]) return NUMBERS[operand];
      const [dtype, dims] = operand.split('[') as [Dtype, string];
      values.set(`t${i}`, rowMajor(dtype, dims === ']' ? [] : [2]));
      return { kind: 'tensor', name: `t${i}` };
    });
    expect(resultType(args, (name) => values.get(name))).toBe(expected);
  });
});

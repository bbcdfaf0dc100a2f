/** PyTorch's INT8 carried over: every case, format and recipe gives PyTorch's numbers, as far as its codes and scales determine them. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ceilingOf, runIncCase, toleranceOf, waysOf } from '../../../bench/inc-case.ts';
import { type IncCase, ownCases } from '../../../bench/inc-cases.ts';
import { DEFAULT_RECIPE } from '../../../shared/quantize/recipe.ts';
import { workFolder } from '../fixture.ts';

/** Of programs the recipes are those of ONNX graphs: what they are made of is the same by then. */
const waysTested = ({ files, ceilings }: IncCase) =>
  waysOf(ceilings).filter(({ recipe }) => files.graph.endsWith('.onnx') || recipe === DEFAULT_RECIPE);

describe.each(ownCases().map((of) => [of.name, of] as const))('%s', (_, of) => {
  test.each(waysTested(of))('$format $recipe', async (how) => {
    const { files, ceilings } = of;
    const path = join(workFolder(), 'int8.onnx');
    const { equal, worst, top1, codes, scales, problems } = await runIncCase(files, { how, ceilings, path });
    const ceiling = ceilingOf(ceilings, how);
    expect(equal).toBeGreaterThanOrEqual((ceiling['equal_1e-5'] ?? ceiling['equal_1e-6']) - 0.02);
    const most = ceiling.max_abs_diff + (ceilings.step ?? 0) + toleranceOf(ceilings);
    expect(worst).toBeLessThanOrEqual(most);
    expect(Math.abs(top1 - ceilings.top1)).toBeLessThanOrEqual(0.003);
    expect(codes.found).toBe(codes.all);
    expect(scales.found).toBe(scales.all);
    expect(problems).toEqual([]);
  });
});

/** Recipes: what is changed of one goes with any of them. */
import { describe, expect, test } from 'vitest';
import { PROCESSOR_NAMES } from '../../shared/choices.ts';
import { RECIPES, recipeOf } from '../../shared/quantize/recipe.ts';

describe('recipeOf', () => {
  test.each(Object.entries(RECIPES))('%s alone is its row', (name, row) =>
    expect(recipeOf({ recipe: name as keyof typeof RECIPES })).toEqual(row),
  );
  test('changes combine with each other and with the bias of a Linear', () => {
    const recipe = recipeOf({ recipe: 'QDQ_OP_FP32_BIAS_QDQ', reduceRange: true, full: true });
    expect(recipe).toEqual({
      ...RECIPES.QDQ_OP_FP32_BIAS_QDQ,
      weights: { dtype: 'int8', symmetric: true, low: -64, high: 64, pairLimit: 128 },
      activations: { dtype: 'uint8', symmetric: false, low: 0, high: 255, pairLimit: null },
      bias: 'float',
      output: { linear: 'codes', product: 'codes' },
      targets: { products: true, withoutKernel: true, operators: [] },
    });
  });
  test('only any processor has to look at pairs of codes', () =>
    expect(PROCESSOR_NAMES.map((processor) => recipeOf({ processor }).weights.pairLimit)).toEqual([128, null, null]));
  test('a recipe may be written out', () => {
    const own = { ...RECIPES.QDQ_OP_INT32_BIAS, weights: recipeOf({ reduceRange: true }).weights };
    expect(recipeOf({ recipe: own })).toEqual(recipeOf({ recipe: 'QDQ_OP_INT32_BIAS', reduceRange: true }));
  });
});

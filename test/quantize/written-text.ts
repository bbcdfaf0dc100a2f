/** One case of `cases/`: from the text of an FP32 model with options to the text of the quantized one. */
import type { Processor } from '../../shared/choices.ts';
import { checkModel } from '../../shared/onnx/check.ts';
import type { Model, Value } from '../../shared/onnx/ir.ts';
import { printModel } from '../../shared/onnx/text.ts';
import { computeQParams } from '../../shared/quantize/compute-qparams.ts';
import type { Range } from '../../shared/quantize/formulas.ts';
import { DEFAULT_RECIPE, type RecipeName, recipeOf } from '../../shared/quantize/recipe.ts';
import { SOURCES } from '../../shared/quantize/sources/index.ts';
import { WRITERS } from '../../shared/quantize/writers/index.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { typedModel } from '../onnx/typed.ts';

/** Lines `# option: value` come first; ranges are `x -1 2, y 0 6`. */
export async function quantizedText(text: string): Promise<string> {
  const options = new Map([...text.matchAll(/^# (\w+): (.*)$/gm)].map((m) => [m[1]!, m[2]!]));
  const model = typedModel(text.replaceAll(/^# .*\n/gm, ''));
  const recipe = recipeOf({
    recipe: (options.get('recipe') ?? DEFAULT_RECIPE) as RecipeName,
    // Full range unless a case is about pairs: every code can then be checked by hand.
    processor: (options.get('processor') ?? 'vnni') as Processor,
    full: options.get('full') === 'true',
  });
  const format = options.get('format') as keyof typeof WRITERS;
  const { graph } = model;
  const source = SOURCES[format === 'dynamic' ? 'dynamic' : 'static'];
  const plan = source({ graph, recipe, format: format === 'QDQ' ? 'QDQ' : 'QLinear', refused: new Map() });
  const { params, unusable } = await computeQParams(plan, rangesOf(model, options.get('ranges') ?? ''));
  if (unusable.size) throw new Error([...unusable.values()].join('\n'));
  WRITERS[format]({ model, plan, params });
  checkModel(model);
  for (const value of graph.initializers)
    value.data = memoryData(value.data!.dtype, value.data!.shape, await value.data!.read());
  const skipped = plan.skipped.map(({ node, operator, reason }) => `${operator}${node ? ` ${node}` : ''}: ${reason}\n`);
  return `${printModel(model)}---\n${skipped.join('')}`;
}

function rangesOf(model: Model, text: string): Map<Value, Range> {
  const values = [...model.graph.inputs, ...[...model.graph.nodes].flatMap((node) => node.outputs)];
  return new Map(
    text.split(', ').flatMap((part): [Value, Range][] => {
      const [name, min, max] = part.split(' ');
      const value = values.find((v) => v.name === name);
      return value ? [[value, { min: Number(min), max: Number(max) }]] : [];
    }),
  );
}

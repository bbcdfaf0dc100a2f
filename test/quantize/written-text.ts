/** One case of `cases/`: from the text of an FP32 model with options to the text of the quantized one. */
import { checkModel } from '../../shared/onnx/check.ts';
import type { Model, Value } from '../../shared/onnx/ir.ts';
import { printModel } from '../../shared/onnx/text.ts';
import { insertDynamic, planDynamic } from '../../shared/quantize/dynamic.ts';
import { insertQdq } from '../../shared/quantize/insert-qdq.ts';
import { type Plan, planQuantization } from '../../shared/quantize/plan.ts';
import { computeQParams, type Range } from '../../shared/quantize/qparams.ts';
import { writeQOperators } from '../../shared/quantize/qoperator.ts';
import { DEFAULT_RECIPE, type RecipeName, RECIPES } from '../../shared/quantize/recipe.ts';
import { memoryData } from '../../shared/tensor/data.ts';
import { typedModel } from '../onnx/typed.ts';

/** Lines `# option: value` come first; ranges are `x -1 2, y 0 6`. */
export async function quantizedText(text: string): Promise<string> {
  const options = new Map([...text.matchAll(/^# (\w+): (.*)$/gm)].map((m) => [m[1]!, m[2]!]));
  const model = typedModel(text.replaceAll(/^# .*\n/gm, ''));
  const recipe = RECIPES[(options.get('recipe') ?? DEFAULT_RECIPE) as RecipeName];
  const format = options.get('format') as 'QDQ' | 'QLinear' | 'dynamic';
  const { graph } = model;
  const plan =
    format === 'dynamic'
      ? planDynamic(graph, new Map())
      : planQuantization({ graph, recipe, format, refused: new Map() });
  const { params, unusable } = await computeQParams(
    plan,
    rangesOf(model, options.get('ranges') ?? ''),
    recipe.reduceRange,
  );
  if (unusable.size) throw new Error([...unusable.values()].join('\n'));
  const write = {
    QDQ: insertQdq,
    dynamic: insertDynamic,
    QLinear: ({ plan: p }: { plan: Plan }) => writeQOperators({ model, plan: p, params }),
  };
  write[format]({ graph, plan, params });
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

/** A model that PyTorch quantized itself, written in the form a user asks for: operators on codes, int32 biases. */
import type { QuantFormat } from '../../choices.ts';
import type { Model, Node } from '../../onnx/ir.ts';
import { constantOf, isStandard } from '../../onnx/match.ts';
import { onlyReader } from '../../onnx/passes/integer-kernels/codes.ts';
import { CONTRIB_DOMAIN } from '../../onnx/schema/contrib.ts';
import { type RecipeName, RECIPES } from '../recipe.ts';
import { Editor } from './editor.ts';
import { withIntegerBias } from './recipes.ts';
import { toQOperators } from './to-qoperator.ts';
import type { Weighted } from './weighted.ts';

export interface QuantizedForm {
  readonly format: QuantFormat;
  /** Results are rounded where the program rounds them, whatever the recipe: it says how biases are added. */
  readonly recipe: RecipeName;
}

/** Whether the model becomes another one; then weights are computed that lie in no file. */
export const changesModel = ({ format, recipe }: QuantizedForm): boolean =>
  format === 'QLinear' || RECIPES[recipe].bias === 'int32';

/** Changes the model in place. Codes and scales stay what they are. */
export function writeInForm(model: Model, { format, recipe }: QuantizedForm): void {
  const { graph } = model;
  const editor = new Editor(graph);
  if (RECIPES[recipe].bias === 'int32')
    for (const node of [...graph.nodes]) if (isStandard(node, ...PRODUCTS)) withIntegerBias(editor, weightedAt(node));
  graph.sortNodes();
  if (format === 'QLinear' && toQOperators(editor)) model.opsets.set(CONTRIB_DOMAIN, 1);
  graph.sortNodes();
}

const PRODUCTS = ['Conv', 'Gemm', 'MatMul'] as const;

function weightedAt(node: Node): Weighted {
  const sum = isStandard(node, 'MatMul') ? onlyReader(node.outputs[0]!) : null;
  const index = sum && isStandard(sum, 'Add', 'Sum') ? sum.inputs.findIndex((input) => isVector(input)) : -1;
  return { node, weightIndex: 1, addition: sum && index >= 0 ? { node: sum, index } : null };
}

const isVector = (value: Node['inputs'][number]): boolean => constantOf(value)?.shape.length === 1;

/** Models from text with the types of every value, as a conversion has them. */
import { inferModel } from '../../shared/onnx/infer.ts';
import type { Model } from '../../shared/onnx/ir.ts';
import { everyNode } from '../../shared/onnx/match.ts';
import { parseModel } from '../../shared/onnx/text-parser.ts';

export function typedModel(text: string): Model {
  const model = parseModel(text);
  inferModel(model);
  for (const { outputs } of everyNode(model.graph)) for (const output of outputs) output.isInferred = false;
  return model;
}

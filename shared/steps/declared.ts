/** What a model's graph declares of its inputs and outputs, in the words of the runtime. */
import type { Value } from '../onnx/ir.ts';
import type { Declared } from '../runtime/session.ts';

export const declaredOf = (values: readonly Value[]): Declared[] =>
  values.map(({ name, type }) => {
    if (!type) throw new Error(`"${name}" of the model has no type`);
    return { name, type };
  });

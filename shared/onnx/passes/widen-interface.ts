/**
 * bfloat16 inputs and outputs of the model, as float32: neither numpy nor JavaScript have numbers of that type to feed
 * or read.
 */
import { tensorType } from '../../tensor/type.ts';
import type { Model } from '../ir.ts';
import { pass, type Pass } from '../pass.ts';
import { builderFor } from '../rewrite.ts';

export const widenInterface: Pass = pass('widen-interface', (model, log) => {
  const names = widen(model);
  if (names.length)
    log.warn(
      `${names.join(', ')}: bfloat16 in PyTorch, float32 in the ONNX model, which casts inside; numpy ` +
        'and JavaScript have no bfloat16',
    );
  return names.length;
});

/** Names of the inputs and outputs that became float32. No number changes: float32 holds every bfloat16. */
function widen(model: Model): string[] {
  const { graph } = model;
  const op = builderFor(model);
  const isNarrow = ({ type }: { type: { dtype: string } | null }): boolean => type?.dtype === 'bfloat16';
  const inputs = graph.inputs.filter(isNarrow);
  for (const input of inputs) {
    const { type } = input;
    input.type = tensorType('float32', type!.shape);
    const narrow = op.Cast([input], { to: 'bfloat16' });
    narrow.type = type;
    const cast = narrow.producer!;
    graph.replaceUses(input, narrow);
    cast.setInput(0, input);
  }
  const names = [...inputs, ...graph.outputs.filter(isNarrow)].map(({ name }) => name);
  graph.outputs.forEach((output, i) => {
    if (!isNarrow(output)) return;
    const wide = op.Cast([output], { to: 'float32' });
    [wide.name, output.name] = [output.name, wide.name];
    wide.type = tensorType('float32', output.type!.shape);
    graph.outputs[i] = wide;
  });
  if (names.length) graph.sortNodes();
  return names;
}

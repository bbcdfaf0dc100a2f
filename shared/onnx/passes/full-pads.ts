/** Pads of some axes become pads of all, which onnxruntime takes to another layout. */
import { integers } from '../match.ts';
import type { Rule } from '../pass.ts';
import { FAULTS } from '../runtime-facts/faults.ts';

export const fullPads: Rule = {
  name: 'full-pads',
  root: FAULTS.padsOfSomeAxes.operators,
  rewrite(node, op) {
    const [x, pads, value = null, axes] = node.inputs;
    const [amounts, padded] = [integers(pads), integers(axes)];
    const rank = x?.type?.shape.length;
    if (!x || !axes || !amounts || !padded || rank === undefined) return null;
    const all = new Array<number>(2 * rank).fill(0);
    padded.forEach((axis, i) => {
      const at = axis < 0 ? axis + rank : axis;
      all[at] = amounts[i]!;
      all[at + rank] = amounts[i + padded.length]!;
    });
    const mode = node.attributes.get('mode')?.value;
    const padding = op.Pad([x, op.ints(all), value], typeof mode === 'string' ? { mode } : {});
    // A job may name it.
    padding.producer!.name = node.name || node.outputs[0]!.name;
    return padding;
  },
};

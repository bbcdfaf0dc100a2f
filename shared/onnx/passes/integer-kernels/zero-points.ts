/**
 * Every stored weight has a zero point of its own, for onnxruntime's option `session.x64quantprecision`.
 */
import type { Value } from '../../ir.ts';
import { isStandard } from '../../match.ts';
import { pass, type Pass } from '../../pass.ts';
import { FAULTS, isMet } from '../../runtime-facts/faults.ts';

export const ownZeroPoints: Pass = pass('own-zero-points', ({ graph }) => {
  const taken = new Map<Value, number>();
  let changes = 0;
  for (const node of graph.nodes) {
    const [codes, , zeroPoint] = node.inputs;
    if (!isStandard(node, 'DequantizeLinear') || !codes?.data || !zeroPoint?.data) continue;
    const before = taken.get(zeroPoint) ?? 0;
    taken.set(zeroPoint, before + 1);
    if (before === 0 || !isMet(FAULTS.sharedZeroPoint, codes.data.dtype)) continue;
    node.setInput(2, graph.addInitializer(`${codes.name}_zero_point`, zeroPoint.data));
    changes++;
  }
  return changes;
});

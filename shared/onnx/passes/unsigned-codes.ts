/**
 * int8 activations become uint8: codes and zero points move by 128, the numbers they stand for stay the same.
 * onnxruntime's kernels want unsigned activations, and its own rewriting fails on some.
 */
import type { Builder } from '../builder.ts';
import type { Node, Value } from '../ir.ts';
import { pass, type Pass } from '../pass.ts';
import { builderFor, isGraphOutput } from '../rewrite.ts';
import { everyNode, integers, isStandard } from '../match.ts';
import { FAULTS, isMet } from '../runtime-facts/faults.ts';

export const unsignedCodes: Pass = pass('unsigned-codes', (model) => {
  const op = builderFor(model);
  let changes = 0;
  for (const node of [...everyNode(model.graph)]) {
    const readers = isStandard(node, 'QuantizeLinear') ? readersOf(node) : null;
    if (!readers) continue;
    const zeros = new Map<Value, Value>();
    for (const each of [node, ...readers]) {
      const zero = each.inputs[2]!;
      const unsigned = zeros.get(zero) ?? moved(op, zero);
      zeros.set(zero, unsigned);
      each.setInput(2, unsigned);
    }
    const [codes] = node.outputs;
    codes!.type = { dtype: 'uint8', shape: codes!.type!.shape };
    changes++;
  }
  if (changes) model.graph.sortNodes();
  return changes;
});

/** The nodes that read the codes, if all of them only dequantize; null for weights and for other element types. */
function readersOf(node: Node): Node[] | null {
  const [x] = node.inputs;
  const [codes] = node.outputs;
  if (x?.data || !codes?.type || !isMet(FAULTS.signedActivations, codes.type.dtype)) return null;
  if (!isScalarInt8(node.inputs[2]) || isGraphOutput(codes)) return null;
  const uses = [...codes.uses];
  const isRead = uses.every(
    ({ node: reader, index }) =>
      isStandard(reader, 'DequantizeLinear') && index === 0 && isScalarInt8(reader.inputs[2]),
  );
  return isRead ? uses.map((use) => use.node) : null;
}

const isScalarInt8 = (zero: Value | null | undefined): boolean =>
  zero?.type?.dtype === 'int8' && zero.type.shape.length === 0;

function moved(op: Builder, zero: Value): Value {
  const known = integers(zero);
  if (known) return op.scalar('uint8', known[0]! + 128);
  // Computed while the model runs: there is no arithmetic on int8.
  const sum = op.Add([op.Cast([zero], { to: 'int32' }), op.scalar('int32', 128)]);
  return op.Cast([sum], { to: 'uint8' });
}

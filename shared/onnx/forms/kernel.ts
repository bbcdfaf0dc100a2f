/** Element types that ONNX allows and onnxruntime has no CPU kernel for: computed in one that holds every value. */
import type { Dtype } from '../../tensor/dtype.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import type { OnnxOp } from '../schema/index.ts';
import type { OpCall } from '../schema/row.ts';
import { ELEMENT_TYPE_GAPS, type Gap } from '../runtime-facts/element-types.ts';
import { FAULTS } from '../runtime-facts/faults.ts';
import { around, castTo, type Form, type Forms } from './form.ts';

export function widened(name: OnnxOp, { through, inputs, outputs }: Gap): Form {
  const first = inputs?.[0] ?? 0;
  return {
    below: Infinity,
    when: (c) => c.isOf(first, ...(Object.keys(through) as Dtype[])),
    write(c: OpCall, op: Builder): Value[] {
      const from = c.dtypeOf(first);
      const operands = c.inputs.map((x, i) => (x && (inputs?.includes(i) ?? true) ? castTo(op, x, through[from]!) : x));
      return op[name](operands, c.given(), c.outputs).map((y, i) => (outputs.includes(i) ? castTo(op, y, from) : y));
    },
  };
}

/** condition ? x : y of booleans, with boolean operators. */
const chooseBool = around(FAULTS.choiceOfBools, {
  of: 1,
  write: (c, op) => op.Or([op.And([c.input(0), c.input(1)]), op.And([op.Not([c.input(0)]), c.input(2)])]),
});

const indicesAsInt64 = around(FAULTS.indicesOfOneHot, {
  write: (c, op) => op.OneHot([op.Cast([c.input(0)], { to: 'int64' }), ...c.inputs.slice(1)], c.given()),
});

const innerless = around(FAULTS.gemmOfNothing, {
  when: (c) => c.has(2) && c.shape(0)[c.int('transA') ? 0 : 1] === 0,
  write: (c, op) => {
    const turned = (i: number, attribute: string): Value =>
      c.int(attribute) ? op.Transpose([c.input(i)], { perm: [1, 0] }) : c.input(i);
    const scaled = c.float('beta') === 1 ? c.input(2) : op.Mul([c.input(2), op.scalar(c.dtypeOf(0), c.float('beta'))]);
    return op.Add([op.MatMul([turned(0, 'transA'), turned(1, 'transB')]), scaled]);
  },
});

export const KERNEL_FORMS: Forms = {
  ...Object.fromEntries(
    Object.entries(ELEMENT_TYPE_GAPS.operators).map(([name, gap]) => [name, [widened(name as OnnxOp, gap)]]),
  ),
  Where: [chooseBool, widened('Where', ELEMENT_TYPE_GAPS.operators.Where)],
  OneHot: [indicesAsInt64],
  Gemm: [innerless],
};

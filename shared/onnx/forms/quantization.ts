/** Quantization parameters as attributes or in 16-bit floats. */
import { byteLength, type Dtype } from '../../tensor/dtype.ts';
import { memoryData } from '../../tensor/data.ts';
import { staticShape } from '../../tensor/type.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { FAULTS } from '../runtime-facts/faults.ts';
import type { OpCall } from '../schema/row.ts';
import { around, castTo, type Form, type Forms } from './form.ts';

const FLOATS = ['float16', 'bfloat16', 'float32', 'float64'] as const satisfies readonly Dtype[];
const WIDE: readonly (Dtype | undefined)[] = ['int16', 'uint16'];
const wideCodes = (codes: (c: OpCall) => Dtype | undefined): Form => ({
  below: 21,
  when: (c) => WIDE.includes(codes(c)),
  write: (c, op) => op.refuse(c.op, '16-bit codes exist since opset 21'),
});
const codesOfQuantize = (c: OpCall): Dtype | undefined =>
  c.has(2) ? c.inputs[2]?.type?.dtype : c.int('output_dtype') !== 0 ? c.dtype('output_dtype') : 'uint8';

export const QUANTIZATION_FORMS: Forms = {
  QuantizeLinear: [
    wideCodes(codesOfQuantize),
    { below: 21, when: (c) => c.int('output_dtype') !== 0, write: zeroPointForDtype },
    {
      below: 19,
      when: (c) => c.isOf(0, 'float16', 'bfloat16', 'float64'),
      write: (c, op) => quantizeIn(c, op, 'float32'),
    },
    {
      below: 19,
      when: (c) => c.isOf(1, 'float16', 'bfloat16', 'float64'),
      write: (c, op) => quantizeIn(c, op, 'float32'),
    },
    // The scale decides in which precision the division is done; until opset 23 the input had to have its type.
    {
      below: 23,
      when: (c) => c.isOf(0, ...FLOATS) && c.isOf(1, ...FLOATS) && c.dtypeOf(0) !== c.dtypeOf(1),
      write: (c, op) => quantizeIn(c, op, c.dtypeOf(1)),
    },
  ],
  DequantizeLinear: [
    wideCodes((c) => c.inputs[0]?.type?.dtype),
    {
      below: 19,
      when: (c) => c.isOf(1, 'float16', 'bfloat16', 'float64'),
      write: (c, op) => dequantizeAs(c, op, 'float32'),
    },
    around(FAULTS.dequantizedType, {
      when: (c) => c.int('output_dtype') !== 0,
      write: (c, op) => dequantizeAs(c, op, c.dtypeOf(1)),
    }),
  ],
};

/** The type of the zero point is the type of the codes. */
function zeroPointForDtype(c: OpCall, op: Builder): Value {
  const shape =
    staticShape(c.type(1)) ?? op.refuse(c.op, 'output_dtype with scales of unknown number exists since opset 21');
  const dtype = c.dtype('output_dtype');
  const zeros = memoryData(
    dtype,
    shape,
    new Uint8Array(
      byteLength(
        dtype,
        shape.reduce((n, d) => n * d, 1),
      ),
    ),
  );
  return op.QuantizeLinear([c.input(0), c.input(1), c.inputs[2] ?? op.constant(zeros)], {
    ...c.given(),
    output_dtype: undefined,
  });
}

const quantizeIn = (c: OpCall, op: Builder, dtype: Dtype): Value =>
  op.QuantizeLinear([castTo(op, c.input(0), dtype), castTo(op, c.input(1), dtype), c.inputs[2] ?? null], c.given());

function dequantizeAs(c: OpCall, op: Builder, dtype: Dtype): Value {
  const wanted = c.int('output_dtype') !== 0 ? c.dtype('output_dtype') : c.dtypeOf(1);
  const real = op.DequantizeLinear([c.input(0), castTo(op, c.input(1), dtype), c.inputs[2] ?? null], {
    ...c.given(),
    output_dtype: undefined,
  });
  return castTo(op, real, wanted);
}

/** Branches, loops and sequences. */
import type { Dim } from '../../tensor/dim.ts';
import type { TensorType } from '../../tensor/type.ts';
import type { Graph } from '../ir.ts';
import type { Inferred, OpCall, OpRow } from './row.ts';
import { axisIn, mergeShapes, requireDtype, typed } from './shape-rules.ts';

const unknownType = (): Inferred => ({ type: null });
/** Sequences have no tensor type; what comes out of one cannot be told. */
const sequence = (
  since: readonly number[],
  { inputs, outputs }: { readonly inputs: string; readonly outputs: string },
  attributes: OpRow['attributes'] = {},
): OpRow => ({
  since,
  inputs,
  outputs,
  attributes,
  untyped: true,
  infer: unknownType,
});

export const CONTROL = {
  If: {
    since: [1, 11, 13, 16, 19, 21, 23, 24, 25],
    inputs: 'cond',
    outputs: 'outputs...',
    attributes: { then_branch: { kind: 'graph' }, else_branch: { kind: 'graph' } },
    infer: (c) => {
      requireDtype(c, 0, 'bool');
      const [yes, no] = [c.graph('then_branch').outputs, c.graph('else_branch').outputs];
      if (yes.length !== no.length) throw new Error(`If: branches with ${yes.length} and ${no.length} outputs`);
      return yes.map((value, i) => ({ type: mergeTypes(c, value.type, no[i]!.type) }));
    },
  },
  Loop: {
    since: [1, 11, 13, 16, 19, 21, 23, 24, 25],
    inputs: 'M? cond? v_initial...',
    outputs: 'v_final_and_scan_outputs...',
    attributes: { body: { kind: 'graph' } },
    untyped: true,
    // What is carried may change its shape from one iteration to the next: only the file can tell its type.
    bodies: (c) => new Map([[c.graph('body'), [typed('int64', []), typed('bool', [])]]]),
    infer: (c) => {
      const [, ...results] = c.graph('body').outputs;
      const carried = Math.max(0, c.inputs.length - 2);
      return results.map((value, i) => {
        // After no iteration at all the initial value comes out.
        if (i < carried) return { type: mergeTypes(c, c.inputs[i + 2]?.type ?? null, value.type) };
        return value.type ? typed(value.type.dtype, [c.unknownDim(), ...value.type.shape]) : unknownType();
      });
    },
  },
  Scan: {
    since: [8, 9, 11, 16, 19, 21, 23, 24, 25],
    inputs: 'initial_state_and_scan_inputs...',
    outputs: 'final_state_and_scan_outputs...',
    attributes: {
      body: { kind: 'graph' },
      num_scan_inputs: { kind: 'int' },
      scan_input_axes: { kind: 'ints', since: 9, optional: true },
      scan_input_directions: { kind: 'ints', since: 9, optional: true },
      scan_output_axes: { kind: 'ints', since: 9, optional: true },
      scan_output_directions: { kind: 'ints', since: 9, optional: true },
    },
    bodies: scanned,
    infer: scan,
  },
  SequenceConstruct: sequence([11], { inputs: 'inputs...', outputs: 'output_sequence' }),
  SequenceEmpty: sequence(
    [11],
    { inputs: '', outputs: 'output' },
    { dtype: { kind: 'int', dtype: true, optional: true } },
  ),
  SequenceInsert: sequence([11], { inputs: 'input_sequence tensor position?', outputs: 'output_sequence' }),
  SequenceErase: sequence([11], { inputs: 'input_sequence position?', outputs: 'output_sequence' }),
  SequenceAt: sequence([11], { inputs: 'input_sequence position', outputs: 'tensor' }),
  SequenceLength: {
    since: [11],
    inputs: 'input_sequence',
    outputs: 'length',
    untyped: true,
    infer: () => typed('int64', []),
  },
  SplitToSequence: sequence(
    [11, 24],
    { inputs: 'input split?', outputs: 'output_sequence' },
    {
      axis: { kind: 'int', default: 0 },
      keepdims: { kind: 'int', default: 1 },
    },
  ),
  ConcatFromSequence: sequence(
    [11],
    { inputs: 'input_sequence', outputs: 'concat_result' },
    {
      axis: { kind: 'int' },
      new_axis: { kind: 'int', default: 0 },
    },
  ),
} as const satisfies Record<string, OpRow>;

function mergeTypes(c: OpCall, a: TensorType | null, b: TensorType | null): TensorType | null {
  if (!a || !b) return null;
  if (a.dtype !== b.dtype) throw new Error(`${c.op}: one way gives ${a.dtype}, the other ${b.dtype}`);
  const shape = mergeShapes(a.shape, b.shape, () => c.unknownDim());
  return shape && { dtype: a.dtype, shape };
}

const statesOf = (c: OpCall): number => c.inputs.length - c.int('num_scan_inputs');

/** States keep their type, and of each scanned input the body sees one slice. */
function scanned(c: OpCall): ReadonlyMap<Graph, readonly Inferred[]> {
  const states = statesOf(c);
  const given = c.inputs.map((value, i): Inferred => {
    if (!value?.type || i < states) return { type: value?.type ?? null };
    const { dtype, shape } = value.type;
    return typed(dtype, shape.toSpliced(axisIn(c.ints('scan_input_axes')?.[i - states] ?? 0, shape.length), 1));
  });
  return new Map([[c.graph('body'), given]]);
}

function scan(c: OpCall): Inferred[] {
  const states = statesOf(c);
  const inputAxis = axisIn(c.ints('scan_input_axes')?.[0] ?? 0, c.rank(states));
  const steps: Dim = c.shape(states)[inputAxis]!;
  return c.graph('body').outputs.map((value, i) => {
    if (i < states) return { type: mergeTypes(c, c.type(i), value.type) };
    if (!value.type) return unknownType();
    const at = axisIn(c.ints('scan_output_axes')?.[i - states] ?? 0, value.type.shape.length + 1);
    return typed(value.type.dtype, value.type.shape.toSpliced(at, 0, steps));
  });
}

/** The operator table agrees with the operator definitions of ONNX (recorded from onnx.defs, opset 26). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPS, type OnnxOp } from '../../../shared/onnx/schema/index.ts';
import type { OpRow } from '../../../shared/onnx/schema/row.ts';

interface Definition {
  since: number[];
  inputs: string;
  outputs: string;
  attributes?: Record<string, { kind: string; since?: number; default?: unknown; required?: true }>;
  gone?: Record<string, number>;
}

const DEFINITIONS = JSON.parse(readFileSync(new URL('operators.json', import.meta.url), 'utf8')) as Record<
  string,
  Definition
>;

/** A row in the shape of the recorded definition. */
function described(row: OpRow): Omit<Definition, 'gone'> {
  const attributes = Object.entries(row.attributes ?? {}).filter(([, a]) => a.until === undefined);
  return {
    since: [...row.since],
    inputs: row.inputs,
    outputs: row.outputs ?? 'Y',
    ...(attributes.length && {
      attributes: Object.fromEntries(
        attributes.map(([name, a]) => [
          name,
          {
            kind: a.kind,
            ...(a.since !== undefined && { since: a.since }),
            ...(a.default !== undefined && { default: a.default }),
            ...(a.default === undefined && !a.optional && { required: true as const }),
          },
        ]),
      ),
    }),
  };
}

describe('operator table', () => {
  it.each(Object.keys(OPS) as OnnxOp[])('%s', (op) => {
    const { gone, ...definition } = DEFINITIONS[op]!;
    expect(described(OPS[op])).toEqual(definition);
    const until = Object.entries(OPS[op].attributes ?? {})
      .filter(([, a]) => a.until !== undefined)
      .map(([name, a]) => [name, a.until]);
    expect(gone ?? {}).toMatchObject(Object.fromEntries(until));
  });
});

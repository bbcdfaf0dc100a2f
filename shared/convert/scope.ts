/** The names of one torch graph while it is lowered: which ONNX value, size or record each stands for. */
import { fail } from '../errors.ts';
import { type Dim, sameDim, symbolName } from '../tensor/dim.ts';
import type { Value } from '../onnx/ir.ts';
import { isUnknownDim } from '../onnx/unknown-dim.ts';
import { sameType, type TensorType, typeText } from '../tensor/type.ts';
import type { Argument, TorchGraph, TorchNode } from '../torch/program.ts';
import type { AtenBuilder } from './converter.ts';
import { numberOperand } from './promote.ts';
import type { RecordedSizes } from './recorded-sizes.ts';
import { Records } from './records.ts';

/** What the scopes of a program have in common. */
export interface ScopeShared {
  readonly sizes: RecordedSizes;
  /** Values that stand for complex tensors. */
  readonly complex: WeakSet<Value>;
  /** The node being lowered, here or in a graph inside. */
  readonly current: { node: TorchNode | null };
}

export class Scope {
  readonly records: Records;
  readonly #shared: ScopeShared;
  readonly #values = new Map<string, Value>();

  constructor(graph: TorchGraph, shared: ScopeShared, outer: Scope | null = null) {
    this.#shared = shared;
    this.records = new Records(graph.values, shared.sizes, outer?.records ?? null);
  }

  bind(name: string, value: Value): void {
    if (this.records.isComplex(name)) this.#shared.complex.add(value);
    this.#values.set(name, value);
  }

  tensor(name: string): Value {
    const value = this.#values.get(name);
    if (value) return value;
    return fail('CorruptModel', {
      file: 'graph',
      where: this.#shared.current.node?.name ?? 'outputs',
      reason: `it reads "${name}", which nothing computes`,
    });
  }

  isComplex(name: string): boolean {
    const value = this.#values.get(name);
    return value !== undefined && this.#shared.complex.has(value);
  }

  /** A symbolic float or bool as a 0-d tensor. */
  scalar(name: string): Value {
    return this.tensor(name);
  }

  /** A symbolic int as a dimension. */
  dim(name: string): Dim {
    return this.records.dim(name);
  }

  /** What an output of the graph is: a tensor, or a number as a 0-d tensor. */
  value(op: AtenBuilder, argument: Argument): Value {
    if (argument.kind === 'tensor') return this.tensor(argument.name);
    if (argument.kind === 'symint') return op.dim(this.dim(argument.name));
    if (argument.kind === 'symfloat' || argument.kind === 'symbool') return this.scalar(argument.name);
    if (argument.kind === 'int' || argument.kind === 'float' || argument.kind === 'bool')
      return numberOperand(op, argument);
    return fail('ConversionFailed', {
      operator: 'output',
      at: 'the graph',
      reason: `a value of kind ${argument.kind} has no ONNX form`,
    });
  }

  /** An input of an inner graph stands for `operand`, whose type has to be the one recorded inside. */
  bindOperand(op: AtenBuilder, input: Argument, operand: Value | null): void {
    if (!('name' in input) || !operand) return;
    if (input.kind === 'tensor') this.bind(input.name, this.#asRecorded(op, input.name, operand));
    else if (input.kind === 'symint') this.#bindSize(op, input.name, operand);
    else this.bind(input.name, operand);
  }

  #asRecorded(op: AtenBuilder, name: string, operand: Value): Value {
    const expected = this.records.typeOf(name);
    const found = operand.type;
    if (!expected || (found && sameType(found, expected))) return operand;
    // The graph may call a size by a name of its own.
    const own = op.Identity([operand]);
    own.type = expected;
    op.dimValues.bindShape(own);
    if (!found || fits(op, { found, expected, own })) return own;
    return op.aten.refuse(
      `operand "${name}"`,
      typeText(found),
      `the type recorded in the graph, ${typeText(expected)}`,
    );
  }

  #bindSize(op: AtenBuilder, name: string, operand: Value): void {
    const dim = this.dim(name);
    const bare = symbolName(dim);
    if (bare !== null && !op.dimValues.knows(bare)) op.dimValues.bindScalar(bare, operand);
    else if (!operand.content || !sameDim(operand.content[0]!, dim)) {
      op.aten.refuse(
        `operand "${name}"`,
        String(operand.content?.[0] ?? 'a number of the run'),
        `the size recorded in the graph, ${String(dim)}`,
      );
    }
  }
}

/** Whether an operand of type `found` may go by the recorded type; sizes that `own` brings in are its own. */
function fits(
  op: AtenBuilder,
  { found, expected, own }: { readonly found: TensorType; readonly expected: TensorType; readonly own: Value },
): boolean {
  const isOwnSize = (dim: Dim): boolean => {
    const name = symbolName(dim);
    return name !== null && op.dimValues.isReadFrom(name, own);
  };
  return (
    found.dtype === expected.dtype &&
    found.shape.length === expected.shape.length &&
    expected.shape.every((d, i) => sameDim(d, found.shape[i]!) || isUnknownDim(found.shape[i]!) || isOwnSize(d))
  );
}

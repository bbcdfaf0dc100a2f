/** What becomes of operators that write their results into tensors given as `out`. */
import type { Dtype } from '../../tensor/dtype.ts';
import { dimText, sameDim } from '../../tensor/dim.ts';
import type { Argument, TorchNode } from '../program.ts';
import { refuseMutation } from './aliases.ts';
import { dtypeArgument, flatOutputs, tensorArgument, tensorName } from './arguments.ts';
import { FACTORIES, outTarget } from './out-variants.ts';
import { naturalType, storedType } from './result-type.ts';
import type { Scope } from './scope.ts';
import type { TensorValue } from './sizes.ts';
import { parseTarget } from './target.ts';

const refuse = (node: TorchNode, reason: string): never => refuseMutation(node, node.name, reason);

/**
 * `add(x, y, out=z)`: computed apart, then stored into z with z's type. Written arguments come last in every schema.
 */
export function withOut(scope: Scope, node: TorchNode): void {
  const target = outTarget(node.target)!;
  const outputs = flatOutputs(node).map(tensorName);
  if (outputs.length === 0 || outputs.includes(null)) return refuse(node, 'its outputs are not listed');
  const outs = node.args
    .slice(-outputs.length)
    .map(({ value }) => tensorName(value) ?? refuse(node, 'it writes a list of tensors'));
  const call = { ...node, args: node.args.slice(0, -outputs.length) };
  const { base } = parseTarget(target);
  const made = FACTORIES.has(base) ? scope.presentRecord(outs[0]!)?.type.dtype : undefined;
  const natural =
    made ?? naturalType(base, call, { self: firstType(scope, call), record: (name) => scope.record(name) });
  const results = outs.map((out, i) => {
    const type = scope.presentRecord(out)?.type.dtype ?? null;
    // Further outputs are indices or of the type PyTorch asks for.
    return stored(scope, node, {
      out,
      output: outputs[i]!,
      natural: i > 0 || !natural || !type ? type : storedType(base, natural, type),
    });
  });
  const args = [...scope.arguments(call), ...(made ? [dtypeArgument('dtype', made)] : [])];
  scope.emit.keep({ ...call, target, args, outputs: results.map((name): Argument => ({ kind: 'tensor', name })) });
  for (const [i, out] of outs.entries()) store(scope, node, { out, output: outputs[i]!, result: results[i]! });
}

const firstType = (scope: Scope, node: TorchNode): Dtype | null => {
  const first = node.args.map(({ value }) => tensorName(value)).find((name) => name !== null);
  return first === undefined ? null : (scope.presentRecord(first)?.type.dtype ?? null);
};

/** The name the pure result gets: the output's own when it fits as it is. */
function stored(
  scope: Scope,
  node: TorchNode,
  { out, output, natural }: { out: string; output: string; natural: Dtype | null },
): string {
  const [before, after] = [scope.presentRecord(out), scope.tensorRecord(output)];
  if (!before || !after || !natural) return refuse(node, 'the type of its result is not known');
  if (!sameShape(before, after)) {
    const view = scope.view(out);
    // A tensor of no elements is the usual way to ask for a new one.
    if (!before.type.shape.includes(0) || view.parent || scope.isInput(view.name))
      return refuse(node, `it resizes "${out}" from ${shapeText(before)} to ${shapeText(after)}`);
  }
  if (natural === before.type.dtype) return output;
  const name = scope.emit.fresh(output);
  scope.emit.values.set(name, { ...after, type: { dtype: natural, shape: after.type.shape } });
  return name;
}

function store(
  scope: Scope,
  node: TorchNode,
  { out, output, result }: { out: string; output: string; result: string },
): void {
  if (result !== output) {
    const args = [tensorArgument('self', result), dtypeArgument('dtype', scope.tensorRecord(output)!.type.dtype)];
    scope.emit.keep({
      name: output,
      target: 'aten::to.dtype',
      args,
      outputs: [{ kind: 'tensor', name: output }],
      source: node.source,
    });
  }
  const [before, after] = [scope.presentRecord(out)!, scope.tensorRecord(output)!];
  if (sameShape(before, after)) scope.bindSame(output, out);
  else {
    scope.bindFresh(output);
    scope.rebind(out, output);
    return;
  }
  scope.write(out, output, node);
}

export const sameShape = (a: TensorValue, b: TensorValue): boolean =>
  a.type.shape.length === b.type.shape.length && a.type.shape.every((dim, i) => sameDim(dim, b.type.shape[i]!));
const shapeText = (value: TensorValue): string => `[${value.type.shape.map(dimText).join(',')}]`;

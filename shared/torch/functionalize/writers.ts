/** What each kind of writing operator becomes. */
import { fail } from '../../errors.ts';
import type { Dtype } from '../../tensor/dtype.ts';
import type { Argument, NamedArgument, TorchNode } from '../program.ts';
import { refuseMutation } from './aliases.ts';
import {
  argumentOf,
  boolArgument,
  dtypeArgument,
  flatOutputs,
  floatArgument,
  intsArgument,
  numberArgument,
  tensorArgument,
  tensorName,
} from './arguments.ts';
import { pureTarget, REFUSED, VIEW_IN_PLACE, WITHOUT_EFFECT } from './in-place.ts';
import { outTarget } from './out-variants.ts';
import { sameShape, withOut } from './out-writer.ts';
import { naturalType, promotes } from './result-type.ts';
import type { Scope } from './scope.ts';
import { staticLayout, type TensorValue } from './sizes.ts';
import { updatesStatistics, updateStatistics, WRITING, writeThroughPure } from './stateful.ts';
import { isForeach, parseTarget } from './target.ts';

export type Writer = (scope: Scope, node: TorchNode) => void;

const refuse = (node: TorchNode, reason: string): never => refuseMutation(node, node.name, reason);

/** Operators with a treatment of their own; everything else follows from its name. */
const WRITERS: Readonly<Record<string, Writer>> = {
  ...Object.fromEntries(
    Object.keys(REFUSED).map((target) => [target, (_scope: Scope, node: TorchNode) => refuse(node, REFUSED[target]!)]),
  ),
  ...Object.fromEntries(Object.keys(VIEW_IN_PLACE).map((target) => [target, viewInPlace])),
  ...Object.fromEntries([...WITHOUT_EFFECT].map((target) => [target, withoutEffect])),
  ...Object.fromEntries(Object.keys(WRITING).map((target) => [target, writeThroughPure])),
  'aten::_native_batch_norm_legit': nativeBatchNorm,
  'aten::fill_diagonal_': fillDiagonal,
  'aten::resize_': resize,
  'aten::resize_as_': resize,
};

const byName = new Map<string, Writer | null>();

/** How a node writes, or null when it is pure. */
export function writerOf(node: TorchNode): Writer | null {
  if (updatesStatistics(node)) return updateStatistics;
  const known = byName.get(node.target);
  if (known !== undefined) return known;
  const writer = WRITERS[node.target] ?? namedWriter(node.target);
  byName.set(node.target, writer);
  return writer;
}

function namedWriter(target: string): Writer | null {
  if (pureTarget(target) !== null)
    return isForeach(parseTarget(target)) ? (_scope, node) => refuse(node, 'it writes a list of tensors') : inPlace;
  return outTarget(target) === null ? null : withOut;
}

const selfOf = (node: TorchNode): string =>
  tensorName(node.args[0]?.value) ??
  fail('CorruptModel', { file: 'graph', where: node.name, reason: `${node.target} has no tensor to change` });

/** `add_(x, y)` becomes `add(x, y)` under the name of its output. */
function inPlace(scope: Scope, node: TorchNode): void {
  const self = selfOf(node);
  const target = pureTarget(node.target)!;
  const record = scope.presentRecord(self);
  const natural = naturalType(parseTarget(target).base, node, {
    self: record?.type.dtype ?? null,
    record: (name) => scope.record(name),
  });
  const args = pureArguments(scope.arguments(node), target);
  const result = compute(scope, { ...node, target, args }, { self, record, natural, given: node });
  const output = tensorName(node.outputs[0]);
  if (output !== null) scope.bindSame(output, self);
  scope.write(self, result, node);
}

interface Typing {
  /** The in-place call as the file has it. */
  readonly given: TorchNode;
  readonly self: string;
  readonly record: TensorValue | null;
  readonly natural: Dtype | null;
}

/** The pure call `node`, and a cast where PyTorch would have cast while storing. */
function compute(scope: Scope, node: TorchNode, { self, record, natural, given }: Typing): string {
  const { target, args } = node;
  const output = tensorName(node.outputs[0]) ?? scope.emit.fresh(node.name);
  // Without recorded types a second operand may be of a wider one.
  const plain = record
    ? natural === record.type.dtype
    : natural === null && !(promotes(parseTarget(target).base) && takesTensors(given));
  if (plain) {
    scope.emit.keep({ ...node, outputs: [{ kind: 'tensor', name: output }] });
    return output;
  }
  const uncast = scope.emit.fresh(output);
  if (record && natural)
    scope.emit.values.set(uncast, { ...record, type: { dtype: natural, shape: record.type.shape } });
  const [source, outputs]: [TorchNode['source'], Argument[]] = [node.source, [{ kind: 'tensor', name: output }]];
  scope.emit.keep({ name: uncast, target, args, outputs: [{ kind: 'tensor', name: uncast }], source });
  const tensor = tensorArgument('self', uncast);
  scope.emit.keep(
    record
      ? {
          name: node.name,
          target: 'aten::to.dtype',
          args: [tensor, dtypeArgument('dtype', record.type.dtype)],
          outputs,
          source,
        }
      : {
          name: node.name,
          target: 'aten::type_as',
          args: [tensor, tensorArgument('other', scope.read(self))],
          outputs,
          source,
        },
  );
  return output;
}

const takesTensors = (node: TorchNode): boolean => node.args.slice(1).some(({ value }) => value.kind === 'tensor');

/** Where the pure operator's arguments differ: other names, another order, one more or less. */
const ARGUMENTS: Readonly<Record<string, (args: readonly NamedArgument[]) => readonly NamedArgument[]>> = {
  ...Object.fromEntries(
    ['dropout', 'feature_dropout', 'alpha_dropout', 'feature_alpha_dropout'].map((base) => [
      `aten::${base}`,
      selfAsInput,
    ]),
  ),
  'aten::polygamma': (args) => (args[0]?.name === '' ? args.toReversed() : args),
  'aten::bernoulli.p': (args) => (args.length > 1 ? args : [...args, floatArgument('p', 0.5)]),
  'aten::index_put': (args) => args.filter((arg, i) => arg.name !== 'unsafe' && i < 4),
};

function selfAsInput(args: readonly NamedArgument[]): readonly NamedArgument[] {
  return args.map(({ name, value }) => ({ name: name === 'self' ? 'input' : name, value }));
}

const pureArguments = (args: readonly NamedArgument[], target: string): readonly NamedArgument[] =>
  ARGUMENTS[target]?.(args) ?? args;

/** `transpose_(x)`: the pure view, which the object `x` is from here on. */
function viewInPlace(scope: Scope, node: TorchNode): void {
  changeShape(scope, node, { ...node, target: VIEW_IN_PLACE[node.target]! });
}

function changeShape(scope: Scope, node: TorchNode, pure: TorchNode): void {
  const self = selfOf(node);
  const output = tensorName(node.outputs[0]);
  if (output === null) return refuse(node, 'its output is not listed');
  const { step } = scope.view(self);
  if (step && typeof step.view !== 'function') return refuse(node, step.view.reason);
  const written = scope.rewritten(pure);
  scope.emit.keep(written);
  scope.bindOutputs(pure, written);
  scope.rebind(self, output);
}

function withoutEffect(scope: Scope, node: TorchNode): void {
  const output = tensorName(node.outputs[0]);
  if (output !== null) scope.bindSame(output, selfOf(node));
}

/** Fewer elements of the same memory, row-major: what as_strided says. More would be memory nobody has written. */
function resize(scope: Scope, node: TorchNode): void {
  const self = selfOf(node);
  const output = tensorName(node.outputs[0]);
  const [before, after] = [scope.presentRecord(self), output === null ? null : scope.tensorRecord(output)];
  if (!before || !after) return refuse(node, 'its sizes are not recorded');
  if (sameShape(before, after)) return withoutEffect(scope, node);
  const layout = staticLayout(after);
  if (scope.ownerHolds(self, output!) !== true)
    return refuse(node, 'it asks for more memory than the tensor has, and nothing has written there');
  if (!layout || typeof before.offset !== 'number') return refuse(node, 'its sizes are symbolic');
  const args = [
    node.args[0]!,
    intsArgument('size', layout.shape),
    intsArgument('stride', layout.strides),
    numberArgument('storage_offset', layout.offset),
  ];
  changeShape(scope, node, { ...node, target: 'aten::as_strided', args });
}

/** With statistics given but not in training, the pure sister has no flag. */
function nativeBatchNorm(scope: Scope, node: TorchNode): void {
  if (boolArgument(node, { name: 'training', position: 5, otherwise: false }) !== false)
    return writeThroughPure(scope, node);
  const args = scope.arguments(node).filter((arg, i) => (arg.name ? arg.name !== 'training' : i !== 5));
  scope.emit.keep({ ...node, target: 'aten::_native_batch_norm_legit_no_training', args });
  for (const output of flatOutputs(node)) if (output.kind === 'tensor') scope.bindFresh(output.name);
}

/** Only matrices whose diagonal does not wrap around. */
function fillDiagonal(scope: Scope, node: TorchNode): void {
  const self = selfOf(node);
  const record = scope.presentRecord(self);
  const shape = record && staticLayout(record)?.shape;
  const [rows, columns] = [shape?.[0], shape?.[1]];
  if (!record || shape?.length !== 2 || rows === undefined || columns === undefined)
    return refuse(node, 'only matrices of fixed size are supported');
  if (boolArgument(node, { name: 'wrap', position: 2, otherwise: false }) !== false && rows > columns + 1)
    return refuse(node, 'a wrapped diagonal is not supported');
  const [rowStride, columnStride] = record.strides as readonly [number, number];
  const diagonal: TensorValue = {
    ...record,
    type: { dtype: record.type.dtype, shape: [Math.min(rows, columns)] },
    strides: [rowStride + columnStride],
  };
  const before = scope.read(self);
  const old = scope.emit.call({
    target: 'aten::diagonal',
    args: [tensorArgument('self', before)],
    like: node.name,
    record: diagonal,
  });
  const fill = { name: 'value', value: argumentOf(node, 'fill_value', 1) };
  const filled = scope.emit.call({
    target: 'aten::fill.Scalar',
    args: [tensorArgument('self', old), fill],
    like: node.name,
    record: diagonal,
  });
  const output = tensorName(node.outputs[0]) ?? scope.emit.fresh(node.name);
  scope.emit.keep({
    ...node,
    target: 'aten::diagonal_scatter',
    args: [tensorArgument('self', before), tensorArgument('src', filled)],
    outputs: [{ kind: 'tensor', name: output }],
  });
  scope.bindSame(output, self);
  scope.write(self, output, node);
}

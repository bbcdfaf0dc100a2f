/** Operators that update arguments beside their result: running statistics and observers. */
import type { Dtype } from '../../tensor/dtype.ts';
import type { Argument, TorchNode } from '../program.ts';
import { refuseMutation } from './aliases.ts';
import {
  argumentOf,
  boolArgument,
  dtypeArgument,
  floatArgument,
  intsArgument,
  NONE,
  tensorArgument,
  tensorName,
} from './arguments.ts';
import { rowMajor } from './partial-views.ts';
import type { Scope } from './scope.ts';
import type { TensorValue } from './sizes.ts';
import { refusal } from './steps.ts';

interface WritingRow {
  /** The pure operator: its outputs are those of the writing one, then the new values of the written arguments. */
  readonly pure: string;
  readonly outputs: number;
  readonly writes: readonly (readonly [name: string, position: number])[];
}

const OBSERVER = {
  pure: 'aten::_fused_moving_avg_obs_fq_helper_functional',
  outputs: 2,
  writes: [
    ['running_min', 3],
    ['running_max', 4],
    ['scale', 5],
    ['zero_point', 6],
  ],
} as const;
const RUNNING = [
  ['running_mean', 3],
  ['running_var', 4],
] as const;

/** Marked as writing in PyTorch's schemas, with a pure sister. */
export const WRITING: Readonly<Record<string, WritingRow>> = {
  'aten::_fused_moving_avg_obs_fq_helper': OBSERVER,
  'aten::fused_moving_avg_obs_fake_quant': OBSERVER,
  'aten::_batch_norm_with_update': { pure: 'aten::_batch_norm_with_update_functional', outputs: 4, writes: RUNNING },
  'aten::_native_batch_norm_legit': { pure: 'aten::_native_batch_norm_legit_functional', outputs: 3, writes: RUNNING },
};

export function writeThroughPure(scope: Scope, node: TorchNode): void {
  const { pure, outputs, writes } = WRITING[node.target]!;
  const args = scope.arguments(node);
  const targets = writes.map(([name, position]) => tensorName(argumentOf(node, name, position)));
  const own = Array.from({ length: outputs }, (_, i) => node.outputs[i] ?? unnamed(scope, node));
  const news = targets.map((target) => (target === null ? unnamed(scope, node) : value(scope, target)));
  scope.emit.keep({ ...node, target: pure, args, outputs: [...own, ...news] });
  for (const output of node.outputs) if (output.kind === 'tensor') scope.bindFresh(output.name);
  targets.forEach((target, i) => target !== null && scope.write(target, (news[i] as { name: string }).name, node));
}

const unnamed = (scope: Scope, node: TorchNode): Argument => ({
  kind: 'tensor',
  name: scope.emit.fresh(`${node.name}_unused`),
});

function value(scope: Scope, like: string): Argument {
  const name = scope.emit.fresh(like);
  const record = scope.presentRecord(like);
  if (record) scope.emit.values.set(name, record);
  return { kind: 'tensor', name };
}

/**
 * Normalizations that update their running statistics in training mode without saying so in their schema; arguments 3
 * to 6 are alike.
 */
export const NORMALIZATIONS: Readonly<Record<string, 'batch' | 'instance'>> = {
  'aten::batch_norm': 'batch',
  'aten::native_batch_norm': 'batch',
  'aten::cudnn_batch_norm': 'batch',
  'aten::miopen_batch_norm': 'batch',
  'aten::instance_norm': 'instance',
};

const TRAINING = { batch: 'training', instance: 'use_input_stats' } as const;

const isTraining = (node: TorchNode): boolean | null =>
  boolArgument(node, { name: TRAINING[NORMALIZATIONS[node.target]!], position: 5, otherwise: false });

export function updatesStatistics(node: TorchNode): boolean {
  const kind = NORMALIZATIONS[node.target];
  if (!kind) return false;
  const statistics = [argumentOf(node, 'running_mean', 3), argumentOf(node, 'running_var', 4)];
  return isTraining(node) !== false && statistics.some((argument) => argument.kind === 'tensor');
}

/**
 * The normalization itself reads the batch only, so it goes on without statistics; the new ones are computed beside it.
 */
export function updateStatistics(scope: Scope, node: TorchNode): void {
  if (isTraining(node) !== true)
    return refuseMutation(node, node.name, 'only a run tells whether it is in training mode');
  const statistics = new Set(
    [3, 4].map((position) => argumentOf(node, position === 3 ? 'running_mean' : 'running_var', position)),
  );
  const written = scope.rewritten({
    ...node,
    args: node.args.map((arg) => (statistics.has(arg.value) ? { name: arg.name, value: NONE } : arg)),
  });
  scope.emit.keep(written);
  scope.bindOutputs(node, written);
  for (const name of ['running_mean', 'running_var'] as const) {
    const running = tensorName(argumentOf(node, name, name === 'running_mean' ? 3 : 4));
    if (running !== null)
      scope.write(
        running,
        newStatistic(scope, node, { running, statistic: name === 'running_mean' ? 'mean' : 'var' }) ??
          refusal('the sizes or the momentum of its update are not recorded'),
        node,
      );
  }
}

/** (1 - momentum) * running + momentum * statistic of the batch. */
function newStatistic(
  scope: Scope,
  node: TorchNode,
  { running, statistic }: { readonly running: string; readonly statistic: 'mean' | 'var' },
): string | null {
  const input = tensorName(argumentOf(node, 'input', 0));
  const momentum = argumentOf(node, 'momentum', 6);
  const [x, record] = [input && scope.presentRecord(input), scope.presentRecord(running)];
  if (input === null || !x || !record || momentum.kind !== 'float') return null;
  const batch = cast(scope, scope.read(input), { from: x, dtype: record.type.dtype });
  const found = STATISTICS[NORMALIZATIONS[node.target]!](scope, batch, { input: x, statistic, record });
  const scaled = (value: string, factor: number): string =>
    scope.emit.call({
      target: 'aten::mul.Tensor',
      args: [tensorArgument('self', value), floatArgument('other', factor)],
      like: running,
      record,
    });
  const [old, added] = [scaled(scope.read(running), 1 - momentum.value), scaled(found, momentum.value)];
  return scope.emit.call({
    target: 'aten::add.Tensor',
    args: [tensorArgument('self', old), tensorArgument('other', added)],
    like: running,
    record,
  });
}

function cast(
  scope: Scope,
  value: string,
  { from, dtype }: { readonly from: TensorValue; readonly dtype: Dtype },
): string {
  if (from.type.dtype === dtype) return value;
  return scope.emit.call({
    target: 'aten::to.dtype',
    args: [tensorArgument('self', value), dtypeArgument('dtype', dtype)],
    like: value,
    record: { ...from, type: { dtype, shape: from.type.shape } },
  });
}

interface Wanted {
  readonly statistic: 'mean' | 'var';
  readonly record: TensorValue;
}

/** A statistic of `x`, recorded as `input`, like the running one that `record` is of. */
type Statistic = (scope: Scope, x: string, wanted: Wanted & { readonly input: TensorValue }) => string;

function reduce(
  scope: Scope,
  x: string,
  { dims, statistic, record }: Wanted & { readonly dims: readonly number[] },
): string {
  const args = [tensorArgument('self', x), intsArgument('dim', dims)];
  // The variance kept is the unbiased one, unlike that used to normalize.
  if (statistic === 'var')
    return scope.emit.call({
      target: 'aten::var.correction',
      args: [...args, { name: 'correction', value: { kind: 'int', value: 1 } }],
      like: 'var',
      record,
    });
  return scope.emit.call({ target: 'aten::mean.dim', args, like: 'mean', record });
}

const axesFrom = (input: TensorValue, first: number): number[] => input.type.shape.map((_, i) => i).slice(first);

const STATISTICS: Readonly<Record<'batch' | 'instance', Statistic>> = {
  batch: (scope, x, { input, statistic, record }) =>
    reduce(scope, x, { dims: [0, ...axesFrom(input, 2)], statistic, record }),
  // Each instance for itself, then the mean over the instances.
  instance(scope, x, { input, statistic, record }) {
    const each = rowMajor(record.type.dtype, input.type.shape.slice(0, 2));
    const apart = reduce(scope, x, { dims: axesFrom(input, 2), statistic, record: each });
    return reduce(scope, apart, { dims: [0], statistic: 'mean', record });
  },
};

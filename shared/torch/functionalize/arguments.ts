/** Reading single arguments of a node, bound by name or, in TorchScript, by position. */
import type { Dtype } from '../../tensor/dtype.ts';
import type { Argument, NamedArgument, TorchNode } from '../program.ts';

export const NONE: Argument = { kind: 'none' };

/** The argument as written; `none` when it is left out. */
export function argumentOf(node: TorchNode, name: string, position: number): Argument {
  const named = node.args.find((arg) => arg.name === name);
  if (named) return named.value;
  const placed = node.args[position];
  return placed?.name === '' ? placed.value : NONE;
}

/** An int that is a plain number; null when it is symbolic, absent or beyond 2^53. */
export function intOf(argument: Argument): number | null {
  return argument.kind === 'int' && typeof argument.value === 'number' ? argument.value : null;
}

interface Place {
  readonly name: string;
  readonly position: number;
  readonly otherwise: number;
}

export const intArgument = (node: TorchNode, { name, position, otherwise }: Place): number | null => {
  const argument = argumentOf(node, name, position);
  return argument.kind === 'none' ? otherwise : intOf(argument);
};

export function intsOf(argument: Argument): number[] | null {
  if (argument.kind !== 'list') return null;
  const values = argument.items.map(intOf);
  return values.every((value) => value !== null) ? values : null;
}

/** A bool; null when it is known only at run time. */
export function boolArgument(
  node: TorchNode,
  { name, position, otherwise }: { readonly name: string; readonly position: number; readonly otherwise: boolean },
): boolean | null {
  const argument = argumentOf(node, name, position);
  if (argument.kind === 'none') return otherwise;
  return argument.kind === 'bool' ? argument.value : null;
}

export const tensorName = (argument: Argument | undefined): string | null =>
  argument?.kind === 'tensor' ? argument.name : null;

/** The names of all tensors an argument holds. */
export function tensorNames(argument: Argument): string[] {
  if (argument.kind === 'tensor') return [argument.name];
  if (argument.kind === 'tensors') return argument.names.filter((name) => name !== null);
  return argument.kind === 'list' ? argument.items.flatMap(tensorNames) : [];
}

/** The outputs of a node one by one, lists of tensors opened. */
export const flatOutputs = (node: TorchNode): Argument[] =>
  node.outputs.flatMap((output) =>
    output.kind === 'tensors'
      ? output.names.map((name): Argument => (name === null ? NONE : { kind: 'tensor', name }))
      : [output],
  );

export const tensorArgument = (name: string, value: string): NamedArgument => ({
  name,
  value: { kind: 'tensor', name: value },
});
export const numberArgument = (name: string, value: number): NamedArgument => ({ name, value: { kind: 'int', value } });
export const floatArgument = (name: string, value: number): NamedArgument => ({
  name,
  value: { kind: 'float', value },
});
export const dtypeArgument = (name: string, value: Dtype): NamedArgument => ({ name, value: { kind: 'dtype', value } });
export const intsArgument = (name: string, values: readonly number[]): NamedArgument => ({
  name,
  value: { kind: 'list', items: values.map((value) => ({ kind: 'int', value })) },
});

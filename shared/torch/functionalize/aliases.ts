/**
 * Which values share memory, and what each holds now. A view is its parent plus a step; writing one puts the new
 * numbers
 * back step by step into the base, and every other view of that base is computed again when it is next read.
 */
import { fail } from '../../errors.ts';
import type { TorchNode, TorchSource, TorchValue } from '../program.ts';
import type { Emitter } from './emitter.ts';

/** Why a step cannot be taken; shown to the user when the value is needed after a change. */
export interface Refusal {
  readonly reason: string;
}

export interface Step {
  /** The view, computed from a newer base. */
  readonly view: ((emit: Emitter, base: string) => string) | Refusal;
  /** A base in which the view's elements are `part`. */
  readonly scatter: ((emit: Emitter, base: string, part: string) => string) | Refusal;
  /** The view holds every element of its base, so nothing of the old base survives. */
  readonly whole: boolean;
}

export interface View {
  readonly name: string;
  readonly record: TorchValue | undefined;
  readonly parent: View | null;
  readonly step: Step | null;
  readonly root: View;
  /** Where it is made, for the nodes that make it again. */
  readonly source: TorchSource | null;
  /** The value that holds its newest known numbers. */
  current: string;
  /** Its numbers could not be followed. */
  problem: Refusal | null;
  /** At the root: the number of writes so far. Elsewhere: the write that `current` reflects. */
  version: number;
  /** `current` is `before` with one part replaced: the next write to that part starts from `before`. */
  filled: { readonly part: View; readonly before: string } | null;
  /** At the root: the last operator that wrote. */
  writer: TorchNode | null;
}

export function rootView(name: string, record: TorchValue | undefined): View {
  const view: View = {
    name,
    record,
    parent: null,
    step: null,
    root: null!,
    source: null,
    current: name,
    problem: null,
    version: 0,
    filled: null,
    writer: null,
  };
  return Object.assign(view, { root: view });
}

export function childView(
  parent: View,
  step: Step,
  { name, record, source }: Pick<View, 'name' | 'record' | 'source'>,
): View {
  const { root } = parent;
  return {
    name,
    record,
    parent,
    step,
    root,
    source,
    current: name,
    problem: null,
    version: root.version,
    filled: null,
    writer: null,
  };
}

/** The value that holds a view's present numbers; computes it again when its base has changed since. */
export function readView(emit: Emitter, view: View): string {
  const stale: View[] = [];
  let at = view;
  while (at.parent && at.version !== at.root.version) {
    stale.push(at);
    at = at.parent;
  }
  for (const next of stale.reverse()) {
    const base = presentName(at);
    const { view: again } = next.step!;
    if (typeof again !== 'function') return refuse(next, again);
    const causing = emit.source;
    emit.source = next.source ?? causing;
    next.current = again(emit, base);
    emit.source = causing;
    Object.assign(next, { version: next.root.version, problem: null, filled: null });
    at = next;
  }
  return presentName(view);
}

const presentName = (view: View): string => (view.problem ? refuse(view, view.problem) : view.current);

function refuse(view: View, { reason }: Refusal): never {
  const { writer } = view.root;
  if (!writer) throw new Error(`${view.name} is not readable although nothing was written`);
  return refuseMutation(writer, view.name, reason);
}

/** `writer` changes memory in a way that leaves `value` unknown. */
export function refuseMutation(writer: TorchNode, value: string, reason: string): never {
  return fail('UnsupportedMutation', { operator: writer.target, value, at: placeOf(writer), reason });
}

const placeOf = ({ source, name }: TorchNode): string =>
  [source.module || name, source.line ? `(${source.line})` : ''].filter(Boolean).join(' ');

/** `writer` has put new numbers into the memory of a view: those `value` holds, or some that cannot be told. */
export function writeView(
  emit: Emitter,
  view: View,
  { value, writer }: { readonly value: string | Refusal; readonly writer: TorchNode },
): void {
  // Everything old is read before anything counts as new.
  const news: { view: View; value: string | Refusal; filled: View['filled'] }[] = [{ view, value, filled: null }];
  let part: string | Refusal = value;
  for (let at = view; at.parent; at = at.parent) {
    const { base, result } = putBack(emit, at, part);
    news.push({
      view: at.parent,
      value: result,
      filled: base === null || at.step!.whole ? null : { part: at, before: base },
    });
    part = result;
  }
  view.root.version++;
  view.root.writer = writer;
  for (const { view: at, value: now, filled } of news) {
    at.version = view.root.version;
    at.filled = filled;
    at.problem = typeof now === 'string' ? null : now;
    if (typeof now === 'string') at.current = now;
  }
}

function putBack(emit: Emitter, view: View, part: string | Refusal): { base: string | null; result: string | Refusal } {
  const { scatter, whole } = view.step!;
  if (typeof part !== 'string') return { base: null, result: part };
  if (typeof scatter !== 'function') return { base: null, result: scatter };
  const parent = view.parent!;
  if (whole) return { base: null, result: scatter(emit, parent.current, part) };
  const unreadable = problemOf(parent);
  if (unreadable) return { base: null, result: unreadable };
  const current = readView(emit, parent);
  const base = parent.filled?.part === view ? parent.filled.before : current;
  return { base, result: scatter(emit, base, part) };
}

/** Why a view cannot be read now, without computing it. */
export function problemOf(view: View): Refusal | null {
  for (let at = view; ; at = at.parent!) {
    if (!at.parent || at.version === at.root.version) return at.problem;
    if (typeof at.step!.view !== 'function') return at.step!.view;
  }
}

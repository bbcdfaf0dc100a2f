/** The values of one graph while its nodes are walked: what each name stands for now, read and written. */
import { fail } from '../../errors.ts';
import type { Argument, NamedArgument, TorchGraph, TorchNode, TorchSource, TorchValue } from '../program.ts';
import { valueText } from '../text.ts';
import { childView, problemOf, readView, type Refusal, rootView, type Step, type View, writeView } from './aliases.ts';
import { flatOutputs, numberArgument, tensorArgument, tensorName, tensorNames } from './arguments.ts';
import { Emitter } from './emitter.ts';
import { liesInside } from './partial-views.ts';
import { shapeArgument } from './shape-readers.ts';
import type { Sizes, TensorValue } from './sizes.ts';
import { ALIAS, isTensorValue, ITSELF, opaque, type ViewUse } from './steps.ts';
import { STORAGE_VIEWS, viewedInput, VIEWS } from './views.ts';

/**
 * A tensor object. Where PyTorch returned an input itself there are two of ours for one of its: what changes the shape
 * of one changes all in `group`.
 */
interface Cell {
  view: View;
  readonly group: Cell[];
}

function cellOf(view: View, group: Cell[] = []): Cell {
  const cell = { view, group };
  group.push(cell);
  return cell;
}

interface BoundStep {
  readonly step: Step;
  /** Of the node that makes the view. */
  readonly source?: TorchSource | null;
  /** The tensor looked at: where the step is the tensor itself, one object with the view. */
  readonly self?: string | null;
}

export class Scope {
  readonly emit: Emitter;
  readonly sizes: Sizes;
  readonly #cells = new Map<string, Cell>();
  readonly #recorded: TorchGraph['values'];
  readonly #inputs = new Set<string>();

  constructor(graph: TorchGraph, sizes: Sizes) {
    this.emit = new Emitter(graph);
    this.sizes = sizes;
    this.#recorded = graph.values;
    for (const name of graph.inputs.flatMap(tensorNames)) {
      this.#inputs.add(name);
      this.bindFresh(name);
    }
  }

  isInput(name: string): boolean {
    return this.#inputs.has(name);
  }

  record(name: string): TorchValue | undefined {
    return this.#recorded.get(name);
  }

  tensorRecord(name: string): TensorValue | null {
    const value = this.#recorded.get(name);
    return isTensorValue(value) ? value : null;
  }

  /** The record of what `name` looks like now: a change of shape in place gives it that of a later name. */
  presentRecord(name: string): TensorValue | null {
    const { record } = this.view(name);
    return isTensorValue(record) ? record : null;
  }

  view(name: string): View {
    return this.#cell(name).view;
  }

  /** The value that holds the numbers of `name` now. */
  read(name: string): string {
    return readView(this.emit, this.view(name));
  }

  /** As `read`, with null where that would be refused. */
  readOrNull(name: string): string | null {
    const view = this.view(name);
    return problemOf(view) ? null : readView(this.emit, view);
  }

  write(name: string, value: string | Refusal, writer: TorchNode): void {
    writeView(this.emit, this.view(name), { value, writer });
  }

  /** `alias` is the very tensor `name`. */
  bindSame(alias: string, name: string): void {
    this.#cells.set(alias, this.#cell(name));
  }

  bindFresh(name: string): void {
    this.#cells.set(name, cellOf(rootView(name, this.#recorded.get(name))));
  }

  /** Two inputs over one memory, seen alike. */
  bindTied(name: string, owner: string): void {
    const [a, b] = [this.tensorRecord(name), this.tensorRecord(owner)];
    const alike = a !== null && b !== null && valueText(a) === valueText(b);
    this.#bindStep(name, this.view(owner), {
      step: alike ? ALIAS : opaque('two weights share memory in different shapes'),
    });
  }

  /** `name` is a part of `self` that cannot be followed. */
  bindOpaque(name: string, self: string, reason: string): void {
    this.#bindStep(name, this.view(self), { step: opaque(reason) });
  }

  /** From here on the tensor object `self` is the view `name` of what it was. */
  rebind(self: string, name: string): void {
    const view = this.view(name);
    const cell = this.#cell(self);
    for (const same of cell.group) same.view = view;
    this.#cells.set(name, cell);
  }

  /**
   * Bind the outputs of a pure node, `written` as given: views to what they look at, everything else to memory of its
   * own.
   */
  bindOutputs(node: TorchNode, written: TorchNode): void {
    const row = VIEWS.get(node.target);
    for (const [i, output] of flatOutputs(node).entries()) {
      if (output.kind !== 'tensor') continue;
      const self = row ? viewedInput(node, i) : null;
      const step = self === null ? null : this.#step(written, { output: i, name: output.name, self });
      if (self === null || !step) this.bindFresh(output.name);
      else
        this.#bindStep(output.name, STORAGE_VIEWS.has(node.target) ? this.view(self).root : this.view(self), {
          step,
          source: written.source,
          self,
        });
    }
  }

  /** The node with every tensor it reads in its newest state; the same object when nothing changed. */
  rewritten(node: TorchNode): TorchNode {
    const args = this.#rooted(node);
    return args === node.args ? node : { ...node, args };
  }

  /** What addresses memory is applied to the tensor that owns it, where it stays inside. */
  #rooted(node: TorchNode): readonly NamedArgument[] {
    const self = STORAGE_VIEWS.has(node.target) ? tensorName(node.args[0]?.value) : null;
    const out = tensorName(node.outputs[0]);
    if (self === null || out === null || !this.view(self).parent || this.ownerHolds(self, out) !== true)
      return this.arguments(node);
    const owner = readView(this.emit, this.view(self).root);
    const offset = this.tensorRecord(out)!.offset;
    if (typeof offset !== 'number') return this.arguments(node);
    const rest = this.arguments({
      ...node,
      args: node.args.slice(1).filter((arg, i) => (arg.name ? arg.name !== 'storage_offset' : i !== 2)),
    });
    return [tensorArgument(node.args[0]!.name, owner), ...rest, numberArgument('storage_offset', offset)];
  }

  /** Whether all of `out` lies in the tensor that owns the memory of `self`; null when that cannot be told. */
  ownerHolds(self: string, out: string): boolean | null {
    const { record } = this.view(self).root;
    const view = this.tensorRecord(out);
    return isTensorValue(record) && view ? liesInside(this.sizes, record, view) : null;
  }

  arguments(node: TorchNode): readonly NamedArgument[] {
    let changed: NamedArgument[] | null = null;
    const shapeOnly = shapeArgument(node.target);
    for (const [i, arg] of node.args.entries()) {
      const value = i === shapeOnly ? this.#shapeOnly(arg.value) : this.argument(arg.value);
      if (value !== arg.value) (changed ??= [...node.args])[i] = { name: arg.name, value };
    }
    return changed ?? node.args;
  }

  argument(argument: Argument): Argument {
    if (argument.kind === 'tensor') {
      const name = this.read(argument.name);
      return name === argument.name ? argument : { kind: 'tensor', name };
    }
    if (argument.kind === 'tensors') {
      const names = argument.names.map((name) => (name === null ? null : this.read(name)));
      return names.every((name, i) => name === argument.names[i]) ? argument : { kind: 'tensors', names };
    }
    if (argument.kind === 'list') {
      const items = argument.items.map((item) => this.argument(item));
      return items.every((item, i) => item === argument.items[i]) ? argument : { kind: 'list', items };
    }
    return argument;
  }

  /** Any state of the tensor will do. */
  #shapeOnly(argument: Argument): Argument {
    if (argument.kind !== 'tensor') return this.argument(argument);
    const { current } = this.view(argument.name);
    return current === argument.name ? argument : { kind: 'tensor', name: current };
  }

  #cell(name: string): Cell {
    const cell = this.#cells.get(name);
    if (cell) return cell;
    return fail('CorruptModel', { file: 'graph', where: name, reason: 'it is read before anything computes it' });
  }

  #step(node: TorchNode, { output, name, self }: Pick<ViewUse, 'output' | 'name' | 'self'>): Step | null {
    const view = this.view(self);
    const { root } = view;
    return VIEWS.get(node.target)!({
      node,
      output,
      name,
      self,
      sizes: this.sizes,
      base: this.presentRecord(self),
      owner: root.name,
      storage: isTensorValue(root.record) ? root.record : null,
      out: this.tensorRecord(name),
      record: (other) => this.tensorRecord(other),
    });
  }

  #bindStep(name: string, parent: View, { step, source = null, self = null }: BoundStep): void {
    const view = childView(parent, step, { name, record: this.#recorded.get(name), source });
    this.#cells.set(name, cellOf(view, step === ITSELF && self !== null ? this.#cell(self).group : []));
  }
}

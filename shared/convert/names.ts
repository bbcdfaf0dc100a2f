/** Names users meet: symbolic dimensions, inputs and outputs. */
import { fail } from '../errors.ts';
import { type Dim, isStatic, symbol, symbolName } from '../tensor/dim.ts';
import type { TorchProgram } from '../torch/program.ts';

/** As in Torch2ONNXConfig: per input or output, axis to name; a list of axes takes generated names. */
export type DynamicAxes = Readonly<Record<string, Readonly<Record<string, string>> | readonly number[]>>;

export interface UserTensor {
  /** The name in the ONNX file. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** null where the file records none. */
  readonly shape: readonly Dim[] | null;
  /** The number that an integer input stands for. */
  readonly number?: Dim | undefined;
}

interface NamingRequest {
  readonly inputs: readonly UserTensor[];
  readonly outputs: readonly UserTensor[];
  readonly dynamicAxes: DynamicAxes;
  readonly warn: (message: string) => void;
}

/**
 * Friendly names for the symbols PyTorch made (`s77`): those of `dynamic_axes`, else `batch` for a leading dimension
 * of an input and `<input>_dim_<axis>` for the others; an integer input gives its own name.
 */
export function symbolNames(
  program: TorchProgram,
  { inputs, outputs, dynamicAxes, warn }: NamingRequest,
): Map<string, Dim> {
  const names = new Map<string, string>();
  for (const tensor of [...inputs, ...outputs]) {
    const { name: called, shape } = tensor;
    if (shape === null) continue;
    const axes = dynamicAxes[called] ?? dynamicAxes[tensor.aliases?.find((name) => dynamicAxes[name]) ?? ''] ?? {};
    for (const [raw, chosen] of chosenAxes({ name: called, shape }, axes, { isOutput: outputs.includes(tensor) })) {
      names.delete(raw);
      const name = unusedName(chosen, names);
      // One name would make them one size, and shapes would be computed from whichever comes first.
      if (name !== chosen)
        warn(
          `dynamic_axes gives the name "${chosen}" to sizes that PyTorch recorded as independent; that ` +
            `of "${tensor.name}" is called "${name}"`,
        );
      names.set(raw, name);
    }
  }
  refuseUnknown(dynamicAxes, [...inputs, ...outputs]);
  const propose = (raw: string, wanted: string): void => {
    if (!names.has(raw)) names.set(raw, unusedName(wanted, names));
  };
  for (const { name, shape, number } of inputs) {
    const own = number === undefined ? null : symbolName(number);
    if (own !== null) propose(own, identifier(name));
    shape?.forEach((dim, axis) => {
      const raw = symbolName(dim);
      if (raw !== null) propose(raw, axis === 0 ? 'batch' : `${identifier(name)}_dim_${axis}`);
    });
  }
  for (const raw of program.symbols.keys()) propose(raw, raw);
  return new Map([...names].map(([raw, name]) => [raw, symbol(name)]));
}

function unusedName(wanted: string, names: ReadonlyMap<string, string>): string {
  const taken = new Set(names.values());
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
  return name;
}

/** Symbol and name for every axis that the user named. */
function chosenAxes(
  { name, shape }: { readonly name: string; readonly shape: readonly Dim[] },
  axes: Readonly<Record<string, string>> | readonly number[],
  { isOutput }: { readonly isOutput: boolean },
): [raw: string, chosen: string][] {
  const named: [string, string][] = [];
  const entries: [number, string][] = Array.isArray(axes)
    ? (axes as readonly number[]).map((axis) => [axis, `${identifier(name)}_dim_${axis}`])
    : Object.entries(axes as Readonly<Record<string, string>>).map(([axis, chosen]) => [Number(axis), chosen]);
  for (const [given, chosen] of entries) {
    const axis = given < 0 ? given + shape.length : given;
    const dim = shape[axis];
    const option = `dynamic_axes.${name}`;
    if (dim === undefined)
      fail('BadOption', { option, value: String(given), expected: `an axis of its ${shape.length} dimensions` });
    if (isStatic(dim)) {
      fail('BadOption', {
        option,
        value: `${given}: ${chosen}`,
        expected:
          `a dynamic dimension: PyTorch recorded the fixed size ${dim}; export the program again with ` +
          'dynamic_shapes',
      });
    }
    const raw = symbolName(dim);
    // An output's dimension may be computed from others; its own name then has no symbol to rename.
    if (raw === null || isOutput) continue;
    if (!/^[A-Za-z_][\w.]*$/.test(chosen))
      fail('BadOption', { option, value: chosen, expected: 'a name of letters, digits and underscores' });
    named.push([raw, chosen]);
  }
  return named;
}

function refuseUnknown(dynamicAxes: DynamicAxes, tensors: readonly UserTensor[]): void {
  const known = tensors.map((t) => t.name);
  const others = tensors.flatMap((t) => t.aliases ?? []);
  for (const name of Object.keys(dynamicAxes)) {
    if (!known.includes(name) && !others.includes(name))
      fail('BadOption', { option: 'dynamic_axes', value: name, expected: `names among ${known.join(', ')}` });
  }
}

const identifier = (name: string): string => name.replace(/\W+/g, '_');

/** Sizes of the symbols of one run, and whether what came out has the shapes that were declared. */
import { type Dim, evaluateDim, isStatic, symbolsOf } from '../tensor/dim.ts';
import { DTYPES } from '../tensor/dtype.ts';
import type { TensorData } from '../tensor/data.ts';
import { elementCount, rowMajorStrides, typeText } from '../tensor/type.ts';
import { type Declared, inMemory, type MemoryTensor, type Tensors } from './session.ts';

/**
 * Read the size of every symbol off actual tensors; tensors that contradict their declaration are problems. Names not
 * declared are ignored.
 */
export function bindSizes(
  declared: readonly Declared[],
  tensors: Tensors,
  known: ReadonlyMap<string, number> = new Map(),
): { sizes: Map<string, number>; problems: string[] } {
  const sizes = new Map(known);
  const problems: string[] = [];
  for (const { name, type } of declared) {
    const tensor = tensors.get(name);
    if (!tensor) continue;
    const ok =
      tensor.dtype === type.dtype &&
      tensor.shape.length === type.shape.length &&
      type.shape.every((dim, i) => bindDim(dim, tensor.shape[i]!, sizes));
    if (!ok)
      problems.push(`"${name}" is ${actualText(tensor)}, declared ${typeText(type)}${sizesText(type.shape, sizes)}`);
  }
  return { sizes, problems };
}

/** A dimension of one symbol not seen before takes the size; expressions are solved when they are linear in it. */
function bindDim(dim: Dim, size: number, sizes: Map<string, number>): boolean {
  if (isStatic(dim)) return dim === size;
  const free = [...symbolsOf(dim)].filter((name) => !sizes.has(name));
  if (free.length > 1) return true;
  const name = free[0];
  if (name !== undefined) {
    const at = (value: number): number => evaluateDim(dim, new Map([...sizes, [name, value]])) ?? NaN;
    const [zero, one] = [at(0), at(1)];
    const solution = (size - zero) / (one - zero);
    if (!Number.isInteger(solution) || at(solution) !== size) return one === zero;
    sizes.set(name, solution);
  }
  return evaluateDim(dim, sizes) === size;
}

export const actualText = (tensor: TensorData): string => `${tensor.dtype}[${tensor.shape.join(',')}]`;

function sizesText(shape: readonly Dim[], sizes: ReadonlyMap<string, number>): string {
  const names = [...new Set(shape.flatMap((dim) => [...symbolsOf(dim)]))].filter((name) => sizes.has(name));
  return names.length ? ` with ${names.map((name) => `${name} = ${sizes.get(name)}`).join(', ')}` : '';
}

/** Whether two declarations promise the same: dtype and rank, and equal numbers where both give numbers. */
export function declarationProblems(kind: string, promised: readonly Declared[], found: readonly Declared[]): string[] {
  const byName = new Map(found.map((d) => [d.name, d]));
  const missing = promised.filter((d) => !byName.has(d.name)).map((d) => `${kind} "${d.name}" is missing`);
  const extra = found
    .filter((d) => !promised.some((p) => p.name === d.name))
    .map((d) => `${kind} "${d.name}" was not declared`);
  const different = promised.flatMap(({ name, type }) => {
    const other = byName.get(name)?.type;
    if (!other) return [];
    const same =
      other.dtype === type.dtype &&
      other.shape.length === type.shape.length &&
      type.shape.every((d, i) => !isStatic(d) || !isStatic(other.shape[i]!) || d === other.shape[i]);
    return same ? [] : [`${kind} "${name}" is ${typeText(other)}, declared ${typeText(type)}`];
  });
  return [...missing, ...extra, ...different];
}

/** The same numbers cut or repeated along every axis until the shape fits: another batch size of real data. */
export function resized(tensor: MemoryTensor, shape: readonly number[]): MemoryTensor {
  if (shape.length !== tensor.shape.length)
    throw new Error(`cannot resize ${actualText(tensor)} to rank ${shape.length}`);
  const width = DTYPES[tensor.dtype].bits / 8;
  const count = elementCount(shape);
  const out = new Uint8Array(count * width);
  if (count > 0 && elementCount(tensor.shape) === 0)
    throw new Error(`cannot fill [${shape.join(',')}] from an empty tensor`);
  const from = rowMajorStrides(tensor.shape);
  const to = rowMajorStrides(shape);
  for (let i = 0; i < count; i++) {
    let source = 0;
    for (let axis = 0; axis < shape.length; axis++)
      source += ((Math.floor(i / to[axis]!) % shape[axis]!) % tensor.shape[axis]!) * from[axis]!;
    for (let b = 0; b < width; b++) out[i * width + b] = tensor.memory[source * width + b]!;
  }
  return inMemory(tensor.dtype, shape, out);
}

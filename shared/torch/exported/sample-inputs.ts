/** The example inputs inside a file: real tensors to compare a conversion with. */
import { isFailure } from '../../errors.ts';
import type { TensorData } from '../../tensor/data.ts';
import { OpaqueObject, type PickleValue, Tuple } from '../pickle-values.ts';
import type { SampleInputs } from '../program.ts';
import { SavedTensor } from '../saved-tensor.ts';
import { readTorchSave } from '../state-dict.ts';
import { withSmallInMemory } from '../storage.ts';
import type { ProgramArchive } from './archive.ts';

/** More leaves than any model has inputs. */
const LEAVES = 10_000;

/** `(args, kwargs)`, flattened as torch's pytrees are; null when they are missing or do not match the inputs. */
export async function readSampleInputs(
  { file, sampleInputs }: ProgramArchive,
  count: number,
  warn: (message: string) => void = () => {},
): Promise<SampleInputs | null> {
  if (!sampleInputs || sampleInputs.size === 0) return null;
  try {
    const saved = await readTorchSave(await sampleInputs.slice(), { file, isLinkable: sampleInputs.stored });
    const leaves: PickleValue[] = [];
    if (!flatten(saved, leaves, 0) || leaves.length !== count) {
      warn(`the sample inputs of "${file}" are not used: they do not match the ${count} inputs of the program`);
      return null;
    }
    const tensors = new Map(
      leaves.flatMap((leaf, i) =>
        leaf instanceof SavedTensor ? [[String(i), leaf.plain(`sample input ${i}`)] as [string, TensorData]] : [],
      ),
    );
    const loaded = await withSmallInMemory(tensors);
    return leaves.map((_, i) => loaded.get(String(i)) ?? null);
  } catch (error) {
    // Samples are a help, not the model: without them the conversion goes on.
    if (!isFailure(error)) throw error;
    warn(`the sample inputs of "${file}" are not used: ${error.message}`);
    return null;
  }
}

/** False where a container is of an unknown class, or there are too many. */
function flatten(value: PickleValue, leaves: PickleValue[], depth: number): boolean {
  if (depth > 50 || leaves.length > LEAVES || value instanceof OpaqueObject) return false;
  const children =
    value instanceof Tuple
      ? value.items
      : Array.isArray(value)
        ? value
        : value instanceof Map
          ? [...value.values()]
          : null;
  if (children) return children.every((child) => flatten(child, leaves, depth + 1));
  leaves.push(value);
  return true;
}

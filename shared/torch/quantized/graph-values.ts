/** Scales that FX graph mode keeps as attributes of the graph module, under names made of module paths and numbers. */
import type { PickleValue } from '../pickle-values.ts';
import { qparamsOf } from './affine.ts';
import type { GraphValue } from './quantized-model.ts';
import { scalarsIn, type Leaves, nameOf, type SavedState } from './saved-state.ts';

const SCALE = /^(.*?)(_input)?_scale_(\d{1,9})$/;

/**
 * The values of a graph module, in the file's order. `container` is its path: the root, or a submodule that was traced
 * alone.
 */
export async function graphValues(state: SavedState, container: string): Promise<Map<GraphValue, readonly string[]>> {
  const leaves = state.modules.get(container)!;
  const flattened = flatPaths(state);
  const found = new Map<GraphValue, readonly string[]>();
  for (const [leaf, scale] of leaves) {
    const match = SCALE.exec(leaf);
    if (!match) continue;
    const value = await valueOf(state, { container, leaves, leaf, scale, match, flattened });
    if (value) found.set(value, [leaf, zeroPointOf(leaf)]);
  }
  return found;
}

const zeroPointOf = (leaf: string): string => leaf.replace(/_scale_(\d+)$/, '_zero_point_$1');

interface Candidate {
  readonly container: string;
  readonly leaves: Leaves;
  readonly leaf: string;
  readonly scale: PickleValue;
  readonly match: RegExpExecArray;
  readonly flattened: ReadonlyMap<string, readonly string[]>;
}

async function valueOf(state: SavedState, candidate: Candidate): Promise<GraphValue | null> {
  const { container, leaves, leaf, scale, match, flattened } = candidate;
  const name = nameOf(container, leaf);
  const affine = await scalarsIn({ file: state.file, name, scale, zeroPoint: leaves.get(zeroPointOf(leaf)) });
  if (!affine) return null;
  const [, path = '', input = ''] = match;
  const flat = (text: string): string => [container, text].filter(Boolean).join('.').replaceAll('.', '_');
  // A module may itself be called "..._input".
  const isOutput = input === '' || (flattened.has(flat(path + input)) && !flattened.has(flat(path)));
  const stem = flat(isOutput ? path + input : path);
  const modules = flattened.get(stem) ?? [];
  return {
    name,
    stem,
    module: stem === '' ? '' : modules.length === 1 ? modules[0]! : null,
    place: isOutput ? 'output' : 'input',
    number: Number(match[3]),
    qparams: qparamsOf(affine),
  };
}

/** `block1.act` is `block1_act` in names; two paths may become one. */
function flatPaths({ versions, modules }: SavedState): ReadonlyMap<string, readonly string[]> {
  const flattened = new Map<string, string[]>();
  for (const path of new Set([...(versions?.keys() ?? []), ...modules.keys()])) {
    if (path === '') continue;
    const flat = path.replaceAll('.', '_');
    flattened.set(flat, [...(flattened.get(flat) ?? []), path]);
  }
  return flattened;
}

/** A torch.export program: its graph, its signature and its weights, from whichever archive holds them. */
import { latin1Text } from '../bytes/text.ts';
import { fail } from '../errors.ts';
import type { TensorData } from '../tensor/data.ts';
import { isStatic } from '../tensor/dim.ts';
import { typeText } from '../tensor/type.ts';
import type { ProgramArchive } from './exported/archive.ts';
import { readGraph } from './exported/graph.ts';
import { readGuards } from './exported/guards.ts';
import { type Labels, labels } from './exported/labels.ts';
import { Reading } from './exported/reading.ts';
import { readSampleInputs } from './exported/sample-inputs.ts';
import { type InputSpec, readSignature, type WeightSpec } from './exported/signature.ts';
import { type Json, readJson } from './json.ts';
import type { ProgramInput, SampleInputs, SymbolRange, TorchGraph, TorchProgram } from './program.ts';
import { withSmallInMemory } from './storage.ts';

export async function readExportedProgram(archive: ProgramArchive): Promise<TorchProgram> {
  const { file, program: record } = archive;
  const json = await readJson(record, file);
  const { graph, inputs: specs, outputs, symbols } = readProgram(json);
  const weights = await loadWeights(archive, specs, graph);
  const inputs = specs.map((spec): ProgramInput =>
    isWeight(spec) ? { kind: spec.kind, name: spec.name, key: weights.keys.get(spec)! } : spec,
  );
  const userInputs = inputs.filter((input) => input.kind === 'user');
  return {
    name: baseName(file),
    producer: {
      format: archive.format,
      torchVersion: json.optional('torch_version')?.string() ?? null,
      schemaVersion: schemaVersion(json) ?? (await versionRecord(archive)),
    },
    graph,
    inputs,
    outputs,
    weights: weights.tensors,
    symbols,
    guards: readGuards(json, graph, userInputs),
    warnings: archive.warnings,
    sampleInputs: (warn): Promise<SampleInputs | null> => readSampleInputs(archive, userInputs.length, warn),
  };
}

type ParsedProgram = Pick<TorchProgram, 'graph' | 'outputs' | 'symbols'> & { readonly inputs: readonly InputSpec[] };

/** The JSON part of a program: all but the weights. */
function readProgram(json: Json): ParsedProgram {
  const reading = new Reading();
  const module = json.get('graph_module');
  const graph = readGraph(module.get('graph'), reading);
  const signature = readSignature(module.get('signature'), graph, reading);
  refuseSparse(json, graph);
  const { inputs, outputs } = labels(module);
  return {
    graph,
    inputs: labelled(signature.inputs, inputs),
    outputs: labelled(signature.outputs, outputs),
    symbols: readSymbols(json.get('range_constraints'), reading.hints),
  };
}

/** User values with their labels, where there is one for each. */
function labelled<T extends { readonly kind: string }>(specs: readonly T[], names: Labels | null): T[] {
  const isUser = ({ kind }: T): boolean => kind === 'user';
  if (names?.length !== specs.filter(isUser).length) return [...specs];
  const rest = names.values();
  return specs.map((spec) => (isUser(spec) ? { ...spec, label: rest.next().value ?? null } : spec));
}

function refuseSparse(json: Json, graph: TorchGraph): void {
  for (const input of graph.inputs) {
    const value = input.kind === 'tensor' ? graph.values.get(input.name) : undefined;
    if (value?.kind === 'tensor' && value.strides.length !== value.type.shape.length) {
      fail('UnsupportedType', {
        what: `input "${(input as { name: string }).name}" of "${json.file}"`,
        dtype: 'sparse',
        hint: 'export the model with dense inputs',
      });
    }
  }
}

const isWeight = (spec: InputSpec): spec is WeightSpec => 'fqn' in spec;

interface LoadedWeights {
  readonly tensors: ReadonlyMap<string, TensorData>;
  readonly keys: ReadonlyMap<InputSpec, string>;
}

async function loadWeights(
  archive: ProgramArchive,
  specs: readonly InputSpec[],
  graph: TorchGraph,
): Promise<LoadedWeights> {
  const weights = specs.filter(isWeight);
  const wanted = (isConstant: boolean): Set<string> =>
    new Set(weights.filter((spec) => spec.isConstant === isConstant).map((spec) => spec.fqn));
  const [state, constants] = [await archive.stateDict(wanted(false)), await archive.constants(wanted(true))];
  // Writers did not always agree where a buffer belongs: what one part lacks is looked up in the other.
  const missing = (found: ReadonlyMap<string, TensorData>, names: Set<string>): Set<string> =>
    new Set([...names].filter((name) => !found.has(name)));
  const misplaced = [
    await archive.constants(missing(state, wanted(false))),
    await archive.stateDict(missing(constants, wanted(true))),
  ];
  const tensors = new Map<string, TensorData>();
  const keys = new Map<InputSpec, string>();
  for (const spec of weights) {
    const { fqn, isConstant } = spec;
    const found = isConstant
      ? (constants.get(fqn) ?? misplaced[1]!.get(fqn))
      : (state.get(fqn) ?? misplaced[0]!.get(fqn));
    if (!found)
      fail('CorruptModel', { file: archive.file, where: `weight "${fqn}"`, reason: 'the file does not hold it' });
    checkType(archive.file, spec, { data: found, graph });
    const taken = tensors.get(fqn);
    const key = taken && taken !== found ? `constants/${fqn}` : fqn;
    tensors.set(key, found);
    keys.set(spec, key);
  }
  return { tensors: await withSmallInMemory(tensors), keys };
}

/** The graph was made for this very tensor: a weight of another type is another file's weight. */
function checkType(
  file: string,
  { name, fqn }: WeightSpec,
  { data, graph }: { readonly data: TensorData; readonly graph: TorchGraph },
): void {
  const value = graph.values.get(name);
  if (value?.kind !== 'tensor')
    fail('CorruptModel', { file, where: `weight "${fqn}"`, reason: `the graph has no tensor "${name}"` });
  const { dtype, shape } = value.type;
  const fits =
    dtype === data.dtype &&
    shape.length === data.shape.length &&
    shape.every((dim, i) => !isStatic(dim) || dim === data.shape[i]);
  if (!fits)
    fail('CorruptModel', {
      file,
      where: `weight "${fqn}"`,
      reason: `the graph expects ${typeText(value.type)}, the file holds ${typeText(data)}`,
    });
}

function readSymbols(
  json: Json,
  hints: ReadonlyMap<string, number>,
): Map<string, SymbolRange & { hint: number | null }> {
  const symbols = new Map<string, SymbolRange & { hint: number | null }>();
  const bound = (value: Json | null): number | null => {
    if (value === null || typeof value.value === 'string') return null;
    const limit = Number(value.float());
    // Open ends are written as the largest integer or as infinity.
    return Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? null : limit;
  };
  for (const [name, range] of json.entries()) {
    // Older files constrain expressions too; those say nothing about one symbol.
    if (/^\w+$/.test(name))
      symbols.set(name, {
        min: bound(range.optional('min_val')),
        max: bound(range.optional('max_val')),
        hint: hints.get(name) ?? null,
      });
  }
  for (const [name, hint] of hints) if (!symbols.has(name)) symbols.set(name, { min: null, max: null, hint });
  return symbols;
}

async function versionRecord({ version }: ProgramArchive): Promise<string | null> {
  return version && version.size <= 16 ? latin1Text(await version.read()).trim() : null;
}

function schemaVersion(json: Json): string | null {
  const version = json.optional('schema_version');
  if (!version) return null;
  return typeof version.value === 'number'
    ? String(version.value)
    : `${version.get('major').size()}.${version.optional('minor')?.size() ?? 0}`;
}

const baseName = (file: string): string => file.split(/[\\/]/).at(-1) || file;

/** A graph of an older opset, written as opset 13 has it: the numbers stay the same. */
import { fail } from '../errors.ts';
import { memoryData } from '../tensor/data.ts';
import type { Dtype } from '../tensor/dtype.ts';
import { decodeNumbers, encodeNumbers } from '../tensor/numbers.ts';
import { FreshNames } from './fresh-names.ts';
import { inferModel } from './infer.ts';
import { attribute, type Attribute, type Model, Node, type Value } from './ir.ts';
import { constantOf, everyNode, int } from './match.ts';
import { irVersionOf, OLDEST_OPSET, OLDEST_UNDERSTOOD, opsetRaised } from './opset.ts';
import { rowOf } from './schema/lookup.ts';

/**
 * Raises the model's opset to 13, the first with one scale for each channel. What changed on the way, after ONNX's
 * changelog: attributes became inputs, Upsample became Resize, Scatter became ScatterElements, and Softmax no longer
 * flattens what follows its axis. Everything else only took more element types. Gives what to warn of.
 *
 * Fails with UnsupportedOpset where the model is too old, or a node has no form in opset 13.
 */
export function raiseOpset(model: Model, file: string): readonly string[] {
  const from = model.opsets.get('') ?? 0;
  if (from >= OLDEST_OPSET) return [];
  if (from < OLDEST_UNDERSTOOD) {
    const needed = `export the graph again for opset ${OLDEST_OPSET} or newer`;
    fail('UnsupportedOpset', { operator: 'ai.onnx', opset: from, needed, at: `"${file}"` });
  }
  const raising = new Raising(model, from);
  for (const node of [...everyNode(model.graph)]) if (node.domain === '') RENAMED[node.op]?.(node, raising);
  // The forms of nodes depend on types, which operators that are gone do not have.
  inferModel(model);
  for (const node of everyNode(model.graph)) {
    if (node.domain !== '') continue;
    attributesToInputs(node, raising);
    AXIS_KEPT[node.op]?.(node, raising);
  }
  model.opsets.set('', OLDEST_OPSET);
  model.irVersion = Math.max(model.irVersion, irVersionOf(OLDEST_OPSET));
  return [opsetRaised(`opset ${from} of the graph`)];
}

class Raising {
  readonly opset: number;
  readonly #model: Model;
  readonly #names: FreshNames;

  constructor(model: Model, opset: number) {
    this.#model = model;
    this.opset = opset;
    this.#names = new FreshNames(model.graph);
  }

  constant(
    stem: string,
    {
      dtype,
      shape,
      values,
    }: { readonly dtype: Dtype; readonly shape: readonly number[]; readonly values: readonly (number | bigint)[] },
  ): Value {
    return this.#model.graph.addInitializer(
      this.#names.of(stem),
      memoryData(dtype, shape, encodeNumbers(dtype, values)),
    );
  }

  refuse(node: Node, needed: string): never {
    return fail('UnsupportedOpset', {
      operator: `${node.op} of opset ${this.opset}`,
      opset: OLDEST_OPSET,
      needed: `${needed}: export the graph again for opset ${OLDEST_OPSET} or newer`,
      at: `"${node.name || node.outputs[0]!.name}"`,
    });
  }
}

type Raise = (node: Node, raising: Raising) => void;

/** What opset 10 scales by: positions in the input are positions in the output, divided. */
const ASYMMETRIC = {
  coordinate_transformation_mode: attribute.string('asymmetric'),
  nearest_mode: attribute.string('floor'),
} as const;

/** `X, scales` becomes `X, roi, scales`. onnxruntime took the nearest element below only where sizes grow. */
const asResize: Raise = (node, raising) => {
  if (node.inputs.length > 2) return;
  const [x = null, scales = null] = node.inputs;
  const data = constantOf(scales);
  const known = data?.memory ? decodeNumbers(data.dtype, data.memory) : null;
  if (!known || known.some((scale) => scale < 1))
    raising.refuse(node, 'sizes that shrink, or that are computed, were rounded in another way');
  replaced(node, 'Resize', { inputs: [x, null, scales], attributes: { ...ASYMMETRIC } });
};

/** Operators whose name or inputs stand for something else since. */
const RENAMED: Readonly<Record<string, Raise>> = {
  Upsample: asResize,
  Resize: (node, raising) => {
    if (raising.opset < 11) asResize(node, raising);
  },
  Scatter: (node) => replaced(node, 'ScatterElements', { inputs: node.inputs, attributes: {} }),
};

function replaced(
  node: Node,
  op: string,
  { inputs, attributes }: { readonly inputs: Node['inputs']; readonly attributes: Readonly<Record<string, Attribute>> },
): void {
  const { outputs, name, origin, graph } = node;
  const all = [...node.attributes, ...Object.entries(attributes)];
  const read = [...inputs];
  const made = new Node({ op, inputs: [], outputs, attributes: all });
  Object.assign(made, { name, origin });
  graph!.replaceNode(node, made);
  read.forEach((input, i) => made.setInput(i, input));
}

/** Names that changed on the way. */
const INPUT_NAMES: Readonly<Record<string, string>> = { k: 'K', value: 'constant_value' };

function attributesToInputs(node: Node, raising: Raising): void {
  const row = rowOf(node);
  for (const [name, { until }] of Object.entries(row?.attributes ?? {})) {
    const given = node.attributes.get(name);
    if (until === undefined || until > OLDEST_OPSET || !given) continue;
    const index = row!.inputs
      .replaceAll('?', '')
      .split(' ')
      .indexOf(INPUT_NAMES[name] ?? name);
    if (index < 0) throw new Error(`${node.op} has no input in place of its attribute ${name}`);
    node.attributes.delete(name);
    for (let i = node.inputs.length; i < index; i++) node.setInput(i, null);
    node.setInput(index, inputOf(given, node, { name, raising }));
  }
}

function inputOf(
  { kind, value }: Attribute,
  node: Node,
  { name, raising }: { readonly name: string; readonly raising: Raising },
): Value {
  const stem = `${node.name || node.outputs[0]!.name}_${name}`;
  if (kind === 'ints')
    return raising.constant(stem, {
      dtype: 'int64',
      shape: [value.length],
      values: value as readonly (number | bigint)[],
    });
  if (kind === 'int') return raising.constant(stem, { dtype: 'int64', shape: [1], values: [value as number | bigint] });
  const dtype = node.inputs[0]?.type?.dtype ?? raising.refuse(node, `its ${name} needs the type of its input`);
  return raising.constant(stem, { dtype, shape: [], values: [value as number] });
}

/** Until opset 12 these worked on the rows of a matrix: all that stands behind the axis, taken together. */
const lastAxisOnly: Raise = (node, raising) => {
  const rank = node.inputs[0]?.type?.shape.length ?? raising.refuse(node, 'it needs the rank of its input');
  const axis = node.attributes.has('axis') ? int(node, 'axis')! : 1;
  if ((axis + rank) % rank !== rank - 1) raising.refuse(node, 'it normalized several axes together');
  node.attributes.set('axis', attribute.int(-1));
};
const AXIS_KEPT: Readonly<Record<string, Raise>> = {
  Softmax: lastAxisOnly,
  LogSoftmax: lastAxisOnly,
  Hardmax: lastAxisOnly,
};

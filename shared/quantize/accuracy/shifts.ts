/**
 * By how much layers are off in the mean. FP32 and the quantized model run as one; behind each layer the shift of the
 * batch is taken back at once, so that the layers behind it show their own. No tensor leaves onnxruntime.
 */
import type { Builder } from '../../onnx/builder.ts';
import { copyGraph } from '../../onnx/copy-graph.ts';
import { Graph, type Model, type Value } from '../../onnx/ir.ts';
import { builderFor } from '../../onnx/rewrite.ts';
import { asFloat32 } from '../../tensor/arithmetic.ts';
import { tensorType } from '../../tensor/type.ts';
import { temporarySession } from '../temporary-session.ts';
import { WRITERS } from '../writers/index.ts';
import type { CorrectionRequest } from './bias-correction.ts';
import type { BiasPlace } from './bias-places.ts';
import type { ChannelAxis } from './layers.ts';

/** Quantized less FP32, for each channel; places that were never finite are missing. */
export async function measureShifts(
  model: Model,
  places: readonly BiasPlace[],
  request: CorrectionRequest,
): Promise<Map<BiasPlace, Float64Array>> {
  const { batches, workFolder } = request;
  const means = new Map(places.map((place) => [place, { sums: new Float64Array(place.axis.count), weight: 0 }]));
  const both = await sideBySide(model, places, request);
  const options = { optimize: 'fuse', products: 'precise', name: 'shifts.onnx' } as const;
  const { session, end } = await temporarySession(both, { workFolder, ...options });
  try {
    for await (const feeds of batches) {
      const results = await session.run(feeds);
      places.forEach((place, i) => {
        const [weight, ...shift] = asFloat32(results.get(probeName(i))!.memory);
        if (!weight || !shift.every(Number.isFinite)) return;
        const mean = means.get(place)!;
        mean.weight += weight;
        shift.forEach((v, c) => (mean.sums[c]! += v * weight));
      });
    }
  } finally {
    await end();
  }
  return new Map(
    [...means].flatMap(([place, { sums, weight }]) => (weight ? [[place, sums.map((v) => v / weight)] as const] : [])),
  );
}

const probeName = (place: number): string => `torchferry.shift.${place}`;

async function sideBySide(model: Model, places: readonly BiasPlace[], request: CorrectionRequest): Promise<Model> {
  const trial = await quantizedCopy(model, request);
  const graph = new Graph(model.graph.name);
  const float = new Map<Value, Value>();
  copyGraph(model.graph, graph, { prefix: 'float.', known: float });
  // Both read the same inputs, and the weights that stayed.
  const known = new Map(
    [...trial.copies].flatMap(([value, copy]) => (value.producer ? [] : [[copy, float.get(value)!]])),
  );
  copyGraph(trial.model.graph, graph, { prefix: 'int8.', known });
  const both = { ...trial.model, graph };
  const op = builderFor(both);
  for (const [i, { sum, axis }] of places.entries()) {
    const probe = takeBack(op, { float: float.get(sum)!, quantized: known.get(trial.sumOf(sum))!, axis });
    probe.name = probeName(i);
    probe.type ??= tensorType('float32', [1 + axis.count]);
    graph.outputs.push(probe);
  }
  graph.sortNodes();
  return both;
}

interface Trial {
  readonly model: Model;
  /** What stands in it for a value of the FP32 model. */
  readonly copies: ReadonlyMap<Value, Value>;
  /** Where a sum is before it is rounded. */
  readonly sumOf: (sum: Value) => Value;
}

/** QLinear operators round what they sum: their plan is written with the sums in float between. */
async function quantizedCopy(model: Model, { approach, planFor }: CorrectionRequest): Promise<Trial> {
  const graph = new Graph(model.graph.name);
  const copies = new Map<Value, Value>();
  copyGraph(model.graph, graph, { prefix: '', known: copies });
  graph.outputs.push(...model.graph.outputs.map((output) => copies.get(output)!));
  const copy = { ...model, graph, opsets: new Map(model.opsets) };
  const planned = await planFor(copy, (value) => copies.get(value)!);
  const written = WRITERS[approach === 'dynamic' ? 'dynamic' : 'QDQ']({ model: copy, ...planned });
  const instead = new Map(written.flatMap(({ node, value }) => (node.graph ? [] : [[node, value] as const])));
  return {
    model: copy,
    copies,
    sumOf: (sum) => {
      const own = copies.get(sum)!;
      return instead.get(own.producer!) ?? own;
    },
  };
}

/** Readers of the quantized sum get it without the shift of the batch. Number of sums of a channel, then the shifts. */
function takeBack(
  op: Builder,
  { float, quantized, axis }: { readonly float: Value; readonly quantized: Value; readonly axis: ChannelAxis },
): Value {
  const readers = [...quantized.uses];
  const difference = op.Sub([quantized, float]);
  const isLast = axis.trailing === 0;
  const rows = isLast ? op.Reshape([difference, op.ints([-1, axis.count])]) : difference;
  const places = Array.from({ length: axis.trailing }, (_, i) => 2 + i);
  const shift = op.ReduceMean([rows, op.ints([0, ...places])], { keepdims: isLast ? 0 : 1 });
  const corrected = op.Sub([quantized, shift]);
  for (const { node, index } of readers) node.setInput(index, corrected);
  const weight = op.Cast([op.Reshape([op.Size([difference]), op.ints([1])])], { to: 'float32' });
  return op.Concat([weight, op.Reshape([shift, op.ints([-1])])], { axis: 0 });
}

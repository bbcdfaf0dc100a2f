/** A Llama with TinyLlama's shapes, as many layers as are asked for, and seeded weights; written without Python. */
import { type Builder, makeBuilder } from '../shared/onnx/builder.ts';
import { Graph, type Value } from '../shared/onnx/ir.ts';
import { writeModel } from '../shared/onnx/proto/write.ts';
import { bytesOf } from '../shared/tensor/arithmetic.ts';
import { computedData } from '../shared/tensor/data.ts';
import { symbol } from '../shared/tensor/dim.ts';
import { tensorType } from '../shared/tensor/type.ts';

const [OPSET, IR_VERSION] = [21, 10];
const [SIZE, INNER, HEADS, KEY_HEADS, VOCABULARY] = [2048, 5632, 32, 4, 32000];
const HEAD = SIZE / HEADS;
const BYTES_OF_LAYER = 4 * (2 * SIZE * SIZE + 2 * SIZE * KEY_HEADS * HEAD + 3 * SIZE * INNER);
const BYTES_OF_TABLES = 4 * 2 * VOCABULARY * SIZE;

/** At least `bytes` of weights, in a file beside the `.onnx`; returns how many there are. */
export async function writeLargeLlama(path: string, bytes: number): Promise<number> {
  const layers = Math.ceil((bytes - BYTES_OF_TABLES) / BYTES_OF_LAYER);
  const graph = new Graph('llama');
  const op = makeBuilder(graph, OPSET);
  const ids = graph.addInput('ids', tensorType('int64', [symbol('batch'), symbol('length')]));
  let x = op.Gather([weight(op, 'tokens', [VOCABULARY, SIZE]), ids]);
  for (let i = 0; i < layers; i++) x = layer(op, `layers.${i}`, x);
  graph.outputs.push(linear(op, 'head', { x: norm(op, x), out: VOCABULARY }));
  const made = { irVersion: IR_VERSION, producerName: 'torchferry bench', producerVersion: '', metadata: new Map() };
  await writeModel({ graph, opsets: new Map([['', OPSET]]), ...made }, path, { weights: 'pack' });
  return layers * BYTES_OF_LAYER + BYTES_OF_TABLES;
}

function layer(op: Builder, name: string, x: Value): Value {
  const h = norm(op, x);
  const heads = (part: string, count: number): Value => {
    const flat = linear(op, `${name}.${part}`, { x: h, out: count * HEAD });
    const split = op.Transpose([op.Reshape([flat, op.ints([0, 0, count, HEAD])])], { perm: [0, 2, 1, 3] });
    return count === HEADS ? split : op.Concat(Array(HEADS / count).fill(split) as Value[], { axis: 1 });
  };
  const [q, k, v] = [heads('q_proj', HEADS), heads('k_proj', KEY_HEADS), heads('v_proj', KEY_HEADS)];
  const scores = op.MatMul([q, op.Transpose([k], { perm: [0, 1, 3, 2] })]);
  const shares = op.Softmax([op.Div([scores, op.scalar('float32', Math.sqrt(HEAD))])], { axis: -1 });
  const mixed = op.Transpose([op.MatMul([shares, v])], { perm: [0, 2, 1, 3] });
  const read = op.Reshape([mixed, op.ints([0, 0, SIZE])]);
  const y = op.Add([x, linear(op, `${name}.o_proj`, { x: read, out: SIZE })]);
  const n = norm(op, y);
  const gate = linear(op, `${name}.gate_proj`, { x: n, out: INNER });
  const up = linear(op, `${name}.up_proj`, { x: n, out: INNER });
  const inner = op.Mul([op.Mul([gate, op.Sigmoid([gate])]), up]);
  return op.Add([y, linear(op, `${name}.down_proj`, { x: inner, out: SIZE })]);
}

function norm(op: Builder, x: Value): Value {
  const mean = op.ReduceMean([op.Mul([x, x]), op.ints([-1])]);
  return op.Div([x, op.Sqrt([op.Add([mean, op.scalar('float32', 1e-5)])])]);
}

function linear(op: Builder, name: string, { x, out }: { readonly x: Value; readonly out: number }): Value {
  const from = x.type!.shape.at(-1) as number;
  return op.MatMul([x, weight(op, name, [from, out])]);
}

/** Sums of three uniform numbers, of a generator (xorshift) that begins with the place of the weight in the graph. */
function weight(op: Builder, name: string, shape: readonly [number, number]): Value {
  const seed = [...op.graph.initializers].length;
  const data = computedData({ dtype: 'float32', shape }, () => {
    const values = new Float32Array(shape[0] * shape[1]);
    let state = seed * 2654435761 || 1;
    const uniform = (): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state / 2 ** 31;
    };
    for (let i = 0; i < values.length; i++) values[i] = 0.02 * (uniform() + uniform() + uniform());
    return Promise.resolve(bytesOf(values));
  });
  return op.constant(data, name);
}

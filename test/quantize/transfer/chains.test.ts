/**
 * The operators around each quantized Linear, with their constants, are those of Neural Compressor's own exports
 * (`inc21-chains.json`, read from its files): types, shapes, and the scale and zero point of what it reads.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { QUANT_FORMAT_NAMES, type QuantFormat } from '../../../shared/choices.ts';
import { fileSource } from '../../../shared/bytes/file-source.ts';
import type { Node, Value } from '../../../shared/onnx/ir.ts';
import { constantOf, producedBy } from '../../../shared/onnx/match.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { type RecipeName, RECIPES } from '../../../shared/quantize/recipe.ts';
import { transferFile } from '../../../shared/steps/transfer-file.ts';
import { decodeNumbers } from '../../../shared/tensor/numbers.ts';
import { fixturePath, workFolder } from '../fixture.ts';

const inc = (...parts: readonly string[]): string => fixturePath('..', 'inc', ...parts);

/** By case, `format-recipe` and module: an operator with its constants a line. */
type Chains = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>>>;
const CHAINS = JSON.parse(readFileSync(inc('inc21-chains.json'), 'utf8')) as Chains;

const ROUNDING = ['QuantizeLinear', 'DequantizeLinear'];
const PRODUCTS = ['MatMul', 'MatMulInteger', 'MatMulIntegerToFloat'];

/** As in the file: `uint8[]=141`, a scalar with its value where it belongs to what the Linear reads. */
async function constantText(value: Value | null, { withValue }: { readonly withValue: boolean }): Promise<string[]> {
  const data = constantOf(value);
  const dequantize = producedBy(value, 'DequantizeLinear');
  if (!data && dequantize && constantOf(dequantize.inputs[0]))
    return (await Promise.all(dequantize.inputs.map((input) => constantText(input, { withValue: false })))).flat();
  if (!data) return [];
  // A bias may have axes of 1 in front.
  const shape = data.shape.slice(data.shape.findIndex((size) => size !== 1));
  const isScalar = data.shape.every((size) => size === 1);
  const number = isScalar && withValue ? `=${decodeNumbers(data.dtype, await data.read())[0]}` : '';
  return [`${data.dtype}[${isScalar ? '' : shape.join(',')}]${number}`];
}

interface Wanted {
  readonly operators: readonly string[];
  /** Whether Neural Compressor writes PyTorch's own ranges: after training it writes those it observed before. */
  readonly withValues: boolean;
}

/**
 * Of a product with stored weights the operators that are asked for, as far as they stand there: from the rounding of
 * its input on.
 */
async function chainAt(product: Node, { operators, withValues }: Wanted): Promise<string[]> {
  const before: Node[] = [];
  for (let at = product.inputs[0]!.producer; at && ROUNDING.includes(at.op); at = at.inputs[0]!.producer) {
    before.unshift(at);
    if (at.op === 'QuantizeLinear') break;
  }
  const nodes = [...before, product];
  const wanted = operators.slice(before.length ? 0 : 1);
  while (nodes.length < wanted.length) {
    const [use] = nodes.at(-1)!.outputs[0]!.uses;
    if (use?.node.op !== wanted[nodes.length]) break;
    nodes.push(use!.node);
  }
  const bias = nodes.findIndex(({ op }) => op === 'Add');
  const lines = nodes.map(async ({ op, inputs }, i) => {
    const texts = inputs.map((input) => constantText(input, { withValue: withValues && i < bias }));
    return [op, ...(await Promise.all(texts)).flat()].join(' ');
  });
  return Promise.all(lines);
}

/**
 * Codes that an operator on codes gives are not rounded again, and those that one reads stay codes: Neural Compressor
 * leaves such operators in float.
 */
function betweenCodes(theirs: readonly string[], ours: readonly string[]): readonly string[] {
  const start = ours[0]!.startsWith('MatMul') ? 1 : 0;
  const end = ours.at(-1)!.startsWith('QuantizeLinear') ? -1 : undefined;
  return theirs.slice(start, end);
}

/** Names of nodes are `/block1/q/MatMul`. */
const moduleOf = ({ name }: Node): string => name.split('/').slice(1, -1).join('.');

describe.each(Object.entries(CHAINS))('%s', (name, ways) => {
  test.each(Object.entries(ways))('%s', async (way, modules) => {
    const [format, recipe] = way.split('-') as [QuantFormat, RecipeName];
    expect([QUANT_FORMAT_NAMES.includes(format), Object.hasOwn(RECIPES, recipe)]).toEqual([true, true]);
    const path = join(workFolder(), 'int8.onnx');
    const quantized = fileSource(inc(name, 'best_model.pt'));
    onTestFinished(() => quantized.close());
    const graph = fixturePath(name.split('-')[0]!, 'fp32.onnx');
    await transferFile({ graph, quantized, path, weights: 'embed', format, recipe });
    const { model, close } = await openModel(path);
    onTestFinished(close);
    const products = [...model.graph.nodes].filter(
      ({ op, inputs }) =>
        PRODUCTS.includes(op) &&
        (constantOf(inputs[1]) ?? constantOf(producedBy(inputs[1], 'DequantizeLinear')?.inputs[0])),
    );
    const withValues = name.endsWith('-static');
    const found: Record<string, readonly string[]> = {};
    const expected: Record<string, readonly string[]> = {};
    for (const product of products) {
      const module = moduleOf(product);
      const theirs = modules[module] ?? [];
      const operators = theirs.map((line) => line.split(' ')[0]!);
      found[module] = await chainAt(product, { operators, withValues });
      expected[module] = format === 'QLinear' ? betweenCodes(theirs, found[module]) : theirs;
    }
    expect(Object.keys(found).sort()).toEqual(Object.keys(modules).sort());
    expect(found).toEqual(expected);
  });
});

/** A graph whose names are lost: modules are found by their weights, and what fits several is refused. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readCeilings, runIncCase } from '../../../bench/inc-case.ts';
import { fileSource } from '../../../shared/bytes/file-source.ts';
import { Node, Value } from '../../../shared/onnx/ir.ts';
import { openModel } from '../../../shared/onnx/proto/read.ts';
import { writeModel } from '../../../shared/onnx/proto/write.ts';
import { transferFile, type TransferredFile } from '../../../shared/steps/transfer-file.ts';
import { fixturePath, workFolder } from '../fixture.ts';

const inc = (...parts: readonly string[]): string => fixturePath('..', 'inc', ...parts);

interface Nameless {
  readonly folder: string;
  /** Every Linear stands there twice, with weights of its own that are equal. */
  readonly twins?: boolean;
}

/** The digits CNN with names such as exporters and simplifiers leave. */
async function nameless({ folder, twins = false }: Nameless): Promise<string> {
  const { model, close } = await openModel(fixturePath('digits_cnn', 'fp32.onnx'));
  onTestFinished(close);
  const { graph } = model;
  for (const [i, value] of [...graph.initializers].entries()) value.name = `onnx::Weight_${i}`;
  for (const [i, node] of [...graph.nodes].entries()) {
    node.name = `node_${i}`;
    for (const output of node.outputs) if (!graph.isOutput(output)) output.name = `value_${i}`;
  }
  for (const node of twins ? [...graph.nodes].filter(({ op }) => op === 'Gemm') : []) {
    const [x, weight, bias] = node.inputs as [Value, Value, Value];
    const copy = graph.addInitializer(`${weight.name}_copy`, weight.data!);
    const output = new Value(`${node.name}_twin`, node.outputs[0]!.type);
    const twin = new Node({ op: 'Gemm', inputs: [x, copy, bias], outputs: [output], attributes: node.attributes });
    twin.name = `${node.name}_twin`;
    graph.addNode(twin);
    graph.outputs.push(output);
  }
  const path = join(folder, 'nameless.onnx');
  await writeModel(model, path, { weights: 'embed' });
  return path;
}

async function carriedOver(name: string, how: Nameless): Promise<TransferredFile> {
  const quantized = fileSource(inc(name, 'best_model.pt'));
  onTestFinished(() => quantized.close());
  return transferFile({
    graph: await nameless(how),
    quantized,
    path: join(how.folder, 'int8.onnx'),
    format: 'QDQ',
    recipe: 'QDQ_OP_FP32_BIAS',
    weights: 'embed',
  });
}

test.each(['digits_cnn-static', 'digits_cnn-dynamic'])('%s by value', async (name) => {
  const ceilings = readCeilings(inc('ceilings.json'))[name]!;
  const folder = workFolder();
  const files = {
    graph: await nameless({ folder }),
    quantized: inc(name, 'best_model.pt'),
    samples: inc('digits_cnn.npz'),
    expected: inc(name, 'int8.npz'),
    array: 'int8',
  };
  const how = { recipe: 'QDQ_OP_FP32_BIAS', format: 'QDQ' } as const;
  const { equal, codes } = await runIncCase(files, { how, ceilings, path: join(folder, 'int8.onnx') });
  expect(equal).toBeGreaterThanOrEqual(0.98);
  expect(codes.found).toBe(codes.all);
});

test('weights that training moved are found by names only', async () => {
  const folder = workFolder();
  await expect(carriedOver('digits_cnn-qat', { folder })).rejects.toMatchObject({
    code: 'QuantizedModelDiffers',
    details: {
      problems: expect.arrayContaining(['module "fc1" is quantized in the file and has no operator in the graph']),
    },
  });
});

test('weights that fit two modules, or two nodes, are refused with both sides named', async () => {
  const made = carriedOver('digits_cnn-dynamic', { folder: workFolder(), twins: true });
  await expect(made).rejects.toMatchObject({
    code: 'QuantizedModelDiffers',
    details: {
      problems: [
        expect.stringMatching(/^module "fc1" fits "node_\d+" and "node_\d+_twin": they hold equal weights$/),
        expect.stringMatching(/^module "fc2" fits "node_\d+" and "node_\d+_twin": they hold equal weights$/),
      ],
    },
  });
});

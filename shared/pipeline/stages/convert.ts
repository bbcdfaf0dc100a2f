/** Convert: the PyTorch file to an ONNX file. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { fileSource } from '../../bytes/file-source.ts';
import { DEFAULT_FORMAT, type Weights } from '../../choices.ts';
import type { Content } from '../../formats/open.ts';
import { holdsCodes } from '../../onnx/holds-codes.ts';
import type { WrittenModel } from '../../onnx/proto/write.ts';
import { fixedRecipe } from '../../quantize/recipe.ts';
import { keptInFloat } from '../../quantize/keep-float.ts';
import type { GraphFacts } from '../../report/graph/facts.ts';
import { convertFile } from '../../steps/convert-file.ts';
import { graphFacts } from '../../steps/graph-facts.ts';
import type { ModelPath } from '../../steps/model-path.ts';
import { rewriteFile } from '../../steps/rewrite-file.ts';
import { symbolRanges } from '../../steps/symbol-ranges.ts';
import { type VariantRequest, variantRequest } from '../job/variants.ts';
import { keepExamples } from '../workspace/examples.ts';
import { keepGraph } from '../workspace/kept-graph.ts';
import { jobStage } from '../workspace/job-stage.ts';
import type { Outlet } from '../workspace/outlet.ts';
import type { ConvertFacts, JobRecord } from '../workspace/record.ts';
import type { Services } from '../workspace/services.ts';
import { fileNameOf, type OpenedObject } from '../workspace/store.ts';
import type { Workspace } from '../workspace/workspace.ts';

interface Made extends Omit<ConvertFacts, 'files' | 'variants'> {
  readonly written: WrittenModel;
  readonly isQuantized: boolean;
}

type Make = (workspace: Workspace, path: ModelPath, services: Services) => Promise<Made>;

function make({ format }: JobRecord): Make {
  if (format === null) throw new Error('the claim found no format');
  return MAKERS[format.kind];
}

export const run = jobStage<ConvertFacts>('convert', async (workspace, _input, services) => {
  const { job } = workspace;
  let outlet: Outlet | null = null;
  let graph: GraphFacts | null = null;
  const path: ModelPath = (model) => {
    const { variants, converted } = variantsOf(job, { isQuantized: holdsCodes(model) });
    // Names that fit nothing are refused here, before the variants are made.
    if (variants.some((variant) => variant.quantize)) keptInFloat(model.graph, job.options.keep_float);
    graph = graphFacts(model);
    // An FP32 model that nobody asked for is only what the INT8 ones are made of.
    outlet = workspace.outlet(converted ? 'output' : 'work');
    return { destination: outlet.destination, name: converted?.file ?? 'model.onnx' };
  };
  const { written, isQuantized, ...made } = await make(job)(workspace, path, services);
  const { variants, warnings } = variantsOf(job, { isQuantized });
  const files = await outlet!.stored(written);
  if (graph) await keepGraph(workspace, graph);
  return {
    facts: { ...made, warnings: [...warnings, ...made.warnings], variants, files },
    output: {
      variants: variants.map(({ name, quantize }) => ({ name, quantize })),
      bytes: files.reduce((n, file) => n + file.bytes, 0),
    },
  };
});

interface Variants {
  readonly variants: readonly VariantRequest[];
  /** The one that the converted model is; undefined: nobody asked for it. */
  readonly converted: VariantRequest | undefined;
  readonly warnings: readonly string[];
}

/** A model that is quantized already has no FP32 form and is not quantized again: it is the INT8 variant. */
function variantsOf({ variants, format }: JobRecord, { isQuantized }: Pick<Made, 'isQuantized'>): Variants {
  if (!isQuantized) return { variants, converted: variants.find(({ quantize }) => !quantize), warnings: [] };
  const converted = variantRequest('int8', { quantize: false });
  return {
    variants: [converted],
    converted,
    warnings: [`the model is quantized already: ${KEPT[format!.kind]}`],
  };
}

const KEPT: Readonly<Record<Content, string>> = {
  program:
    'its codes and scales are kept, written as quant_format (the first of them) and recipe say; other options of ' +
    'quantization do not apply',
  onnx: 'it is converted as it is, and the options of quantization do not apply',
};

const convertPyTorch: Make = async (workspace, path, { signal }) => {
  const { opset_version, input_names, output_names, dynamic_axes, guards, nan, weights, quant_format, recipe } =
    workspace.job.options;
  const { source, content, close } = await sourceOf(workspace, weights);
  try {
    const options = { opset_version, input_names, output_names, dynamic_axes, guards, nan };
    const { program, written, facts, warnings, sha256, isQuantized } = await convertFile({
      source,
      content,
      path,
      options,
      job: workspace.job.options,
      weights,
      form: { format: quant_format[0] ?? DEFAULT_FORMAT, recipe: fixedRecipe(recipe) },
      signal,
    });
    const notes: string[] = [];
    const examples = await keepExamples(workspace, program, {
      inputs: facts.inputs,
      warn: (message) => notes.push(message),
    });
    return {
      written,
      conversion: facts,
      operators: facts.operators,
      inputs: facts.inputs,
      warnings: [...warnings, ...notes],
      isQuantized,
      format: program.producer.format,
      torchVersion: program.producer.torchVersion,
      sha256: sha256 ?? copyOf(workspace.job, written),
      examples,
      ranges: symbolRanges(program, facts.inputs),
    };
  } finally {
    close();
  }
};

/** Linked weights stay in the PyTorch file, which then goes where the model goes: it is copied there, or from here. */
async function sourceOf(
  workspace: Workspace,
  weights: Weights,
): Promise<{ readonly source: ByteSource; readonly content: OpenedObject['content']; close(): void }> {
  if (weights === 'link' && !workspace.copiesModels) {
    const file = fileSource(await workspace.fetchModel());
    return { source: file, content: undefined, close: () => file.close() };
  }
  const source = await workspace.openModel();
  return { source, content: source.content, close: () => {} };
}

/** What the store said of its copy of the model, where there is one. */
const copyOf = ({ input }: JobRecord, { files }: WrittenModel): string | null =>
  files.find(({ path }) => path === fileNameOf(input.key))?.sha256 ?? null;

const takeOnnx: Make = async (workspace, path, { signal }) => {
  const model = await workspace.openModel();
  const { written, operators, inputs, sha256, isQuantized } = await rewriteFile({
    model,
    content: model.content,
    path,
    weights: workspace.job.options.weights,
    job: workspace.job.options,
    signal,
  });
  return {
    written,
    conversion: null,
    operators,
    inputs,
    warnings: written.warnings,
    isQuantized,
    format: 'ONNX',
    torchVersion: null,
    sha256,
    examples: null,
    ranges: {},
  };
};

const MAKERS: Readonly<Record<Content, Make>> = { program: convertPyTorch, onnx: takeOnnx };

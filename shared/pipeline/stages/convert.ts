/** Convert: the PyTorch file to an ONNX file. */
import { mkdtemp } from 'node:fs/promises';
import { DEFAULT_FORMAT } from '../../choices.ts';
import { basename, join } from 'node:path';
import { fileSource } from '../../bytes/file-source.ts';
import { hashSource } from '../../bytes/hash-source.ts';
import type { Content } from '../../formats/open.ts';
import { openModel } from '../../onnx/proto/read.ts';
import { keptInFloat } from '../../quantize/keep-float.ts';
import { convertFile } from '../../steps/convert-file.ts';
import { keepExamples } from '../workspace/examples.ts';
import { type VariantRequest, variantRequest } from '../job/variants.ts';
import { jobStage } from '../workspace/job-stage.ts';
import { rewriteFile } from '../../steps/rewrite-file.ts';
import type { ConvertFacts, JobRecord, StoredFile } from '../workspace/record.ts';
import type { Services } from '../workspace/services.ts';
import { symbolRanges } from '../../steps/symbol-ranges.ts';
import type { Workspace } from '../workspace/workspace.ts';

interface Made extends Omit<ConvertFacts, 'files' | 'sha256' | 'variants'> {
  /** The .onnx first, then what its weights lie in. */
  readonly paths: readonly string[];
  readonly isQuantized: boolean;
}

type Make = (workspace: Workspace, services: Services) => Promise<Made>;

function make({ format }: JobRecord): Make {
  if (format === null) throw new Error('the claim found no format');
  return MAKERS[format.kind];
}

export const run = jobStage<ConvertFacts>('convert', async (workspace, _input, services) => {
  const { job } = workspace;
  const { paths, isQuantized, ...made } = await make(job)(workspace, services);
  const { variants, warnings } = variantsOf(job, { isQuantized });
  if (variants.some((variant) => variant.quantize)) await requireKeepFloat(paths[0]!, job.options.keep_float);
  const converted = variants.find((variant) => !variant.quantize);
  const files: StoredFile[] = [];
  for (const [i, path] of paths.entries()) {
    // An FP32 model that nobody asked for is only what the INT8 ones are made of.
    files.push(
      await workspace.store(
        path,
        i === 0 && converted ? converted.file : basename(path),
        converted ? 'output' : 'work',
      ),
    );
  }
  const sha256 = await hashSource(await workspace.openModel(), services.signal);
  return {
    facts: { ...made, warnings: [...warnings, ...made.warnings], variants, files, sha256 },
    output: {
      variants: variants.map(({ name, quantize }) => ({ name, quantize })),
      bytes: files.reduce((n, file) => n + file.bytes, 0),
    },
  };
});

/** Names that fit nothing are refused here, before the variants are made. */
async function requireKeepFloat(path: string, entries: readonly string[]): Promise<void> {
  if (entries.length === 0) return;
  const { model, close } = await openModel(path);
  close();
  keptInFloat(model.graph, entries);
}

/** A model that is quantized already has no FP32 form and is not quantized again: it is the INT8 variant. */
function variantsOf(
  { variants, format }: JobRecord,
  { isQuantized }: Pick<Made, 'isQuantized'>,
): { variants: readonly VariantRequest[]; warnings: readonly string[] } {
  if (!isQuantized) return { variants, warnings: [] };
  return {
    variants: [variantRequest('int8', { quantize: false })],
    warnings: [`the model is quantized already: ${KEPT[format!.kind]}`],
  };
}

const KEPT: Readonly<Record<Content, string>> = {
  program:
    'its codes and scales are kept, written as quant_format (the first of them) and recipe say; other options of ' +
    'quantization do not apply',
  onnx: 'it is converted as it is, and the options of quantization do not apply',
};

const convertPyTorch: Make = async (workspace, { signal }) => {
  const { opset_version, input_names, output_names, dynamic_axes, guards, nan, weights, quant_format, recipe } =
    workspace.job.options;
  const path = join(workspace.folder, 'model.onnx');
  // Linked weights stay in the PyTorch file, which then goes where the model goes.
  const opened = weights === 'link' ? fileSource(await workspace.fetchModel()) : null;
  const source = opened ?? (await workspace.openModel());
  try {
    const options = { opset_version, input_names, output_names, dynamic_axes, guards, nan };
    const { program, written, facts, warnings, isQuantized } = await convertFile({
      source,
      path,
      options,
      weights,
      form: { format: quant_format[0] ?? DEFAULT_FORMAT, recipe },
      signal,
    });
    const notes: string[] = [];
    const examples = await keepExamples(workspace, program, {
      inputs: facts.inputs,
      warn: (message) => notes.push(message),
    });
    return {
      paths: [...written.files.map((file) => file.path), ...written.linked.map((name) => join(workspace.folder, name))],
      conversion: facts,
      operators: facts.operators,
      inputs: facts.inputs,
      warnings: [...warnings, ...notes],
      isQuantized,
      format: program.producer.format,
      torchVersion: program.producer.torchVersion,
      examples,
      ranges: symbolRanges(program, facts.inputs),
    };
  } finally {
    opened?.close();
  }
};

const takeOnnx: Make = async (workspace, { signal }) => {
  // The model may be called as the result is.
  const folder = await mkdtemp(join(workspace.folder, 'onnx-'));
  const { written, operators, inputs, isQuantized } = await rewriteFile({
    model: await workspace.fetchModel(),
    path: join(folder, 'model.onnx'),
    weights: workspace.job.options.weights,
    signal,
  });
  return {
    paths: written.files.map((file) => file.path),
    conversion: null,
    operators,
    inputs,
    warnings: written.warnings,
    isQuantized,
    format: 'ONNX',
    torchVersion: null,
    examples: null,
    ranges: {},
  };
};

const MAKERS: Readonly<Record<Content, Make>> = { program: convertPyTorch, onnx: takeOnnx };

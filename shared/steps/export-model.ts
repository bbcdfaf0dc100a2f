/**
 * Neural Compressor's way to say it: a model, a Torch2ONNXConfig, and `export`. Every field has the name and the
 * default it has
 * there (neural_compressor.config.Torch2ONNXConfig, 2.x).
 */
import {
  CARRIED_DTYPES,
  type AskedDtype,
  codeTypesOf,
  DEFAULT_DYNAMIC_ACTIVATIONS,
  DYNAMIC_ACTIVATION_NAMES,
  type DynamicActivations,
  isQuantized,
  variantDtypeOf,
} from '../choices.ts';
import { fileSource } from '../bytes/file-source.ts';
import { requireOutput } from '../bytes/output-file.ts';
import type { DynamicAxes } from '../convert/names.ts';
import { fail } from '../errors.ts';
import { writeModel, type WrittenModel } from '../onnx/proto/write.ts';
import { type RecipeName, RECIPES } from '../quantize/recipe.ts';
import { openGraph } from './fp32-graph.ts';
import { requireRuns } from './require-runs.ts';
import { weightsAt, withQuantized } from './quantized-pair.ts';
import { transferFile } from './transfer-file.ts';

export interface Torch2ONNXOptions {
  /** `int8` by default, which is `U8S8`: uint8 activations, int8 weights. */
  readonly dtype?: AskedDtype;
  /** 14 by default; with INT8 at least 13. */
  readonly opset_version?: number;
  /** `QDQ` (default) or `QLinear`, also called `QOperator`; in any case. */
  readonly quant_format?: string;
  /** Path of an .npz of inputs the exported model is run with; null: it is not run. */
  readonly example_inputs?: string | null;
  readonly input_names?: readonly string[] | null;
  readonly output_names?: readonly string[] | null;
  readonly dynamic_axes?: DynamicAxes | null;
  /** `QDQ_OP_FP32_BIAS` by default. */
  readonly recipe?: RecipeName;
  /** Not in INC: `torch` (7 bits, PyTorch's numbers; default) or `onnx` (8 bits) of dynamic modules. */
  readonly dynamic_activations?: DynamicActivations;
}

const FORMATS = { QDQ: 'QDQ', QLINEAR: 'QLinear', QOPERATOR: 'QLinear' } as const;

const DEFAULTS = {
  dtype: 'int8',
  opset_version: 14,
  quant_format: 'QDQ',
  example_inputs: null,
  input_names: null,
  output_names: null,
  dynamic_axes: null,
  recipe: 'QDQ_OP_FP32_BIAS',
  dynamic_activations: DEFAULT_DYNAMIC_ACTIVATIONS,
} as const satisfies Required<Torch2ONNXOptions>;

export class Torch2ONNXConfig {
  readonly dtype: AskedDtype;
  readonly opset_version: number;
  readonly quant_format: 'QDQ' | 'QLinear';
  readonly example_inputs: string | null;
  readonly input_names: readonly string[] | null;
  readonly output_names: readonly string[] | null;
  readonly dynamic_axes: DynamicAxes | null;
  readonly recipe: RecipeName;
  readonly dynamic_activations: DynamicActivations;

  constructor(options: Torch2ONNXOptions = {}) {
    for (const name of Object.keys(options)) {
      if (!Object.hasOwn(DEFAULTS, name)) bad(name, name, `one of ${Object.keys(DEFAULTS).join(', ')}`);
    }
    const all = { ...DEFAULTS, ...options };
    const format = FORMATS[all.quant_format.toUpperCase() as keyof typeof FORMATS];
    if (!format) bad('quant_format', all.quant_format, 'QDQ, QLinear or QOperator');
    among(CARRIED_DTYPES, 'dtype', all.dtype);
    among(Object.keys(RECIPES), 'recipe', all.recipe);
    among(DYNAMIC_ACTIVATION_NAMES, 'dynamic_activations', all.dynamic_activations);
    this.dtype = all.dtype;
    this.opset_version = all.opset_version;
    this.quant_format = format;
    this.example_inputs = all.example_inputs;
    this.input_names = all.input_names;
    this.output_names = all.output_names;
    this.dynamic_axes = all.dynamic_axes;
    this.recipe = all.recipe;
    this.dynamic_activations = all.dynamic_activations;
  }
}

const bad = (option: string, value: unknown, expected: string): never =>
  fail('BadOption', { option, value: String(value), expected });

const among = (known: readonly string[], option: string, value: string): void => {
  if (!known.includes(value)) bad(option, value, known.join(', '));
};

export interface Exported {
  readonly files: WrittenModel['files'];
  readonly warnings: readonly string[];
}

/** An FP32 graph (`.pt2` or `.onnx`), and the quantized model made from it where there is one. */
export class Model {
  readonly graph: string;
  readonly quantized: string | null;

  private constructor(graph: string, quantized: string | null) {
    this.graph = graph;
    this.quantized = quantized;
  }

  /**
   * `quantized`: `best_model.pt`, the folder Neural Compressor saved, or what `torch.save(int8_model.state_dict())`
   * wrote. Nothing is read yet.
   */
  static async open(graph: string, { quantized = null }: { readonly quantized?: string | null } = {}): Promise<Model> {
    for (const path of [graph, quantized]) if (path !== null) fileSource(weightsAt(path)).close();
    return Promise.resolve(new Model(graph, quantized));
  }

  /**
   * Writes `path`. What the FP32 graph and the quantized model do not agree on is refused before anything is written.
   */
  async export(path: string, config: Torch2ONNXConfig = new Torch2ONNXConfig()): Promise<Exported> {
    const exported = isQuantized({ dtype: variantDtypeOf(config.dtype) })
      ? await this.#int8(path, config)
      : await this.#fp32(path, config);
    if (config.example_inputs !== null) await requireRuns(path, config.example_inputs);
    return exported;
  }

  async #fp32(path: string, config: Torch2ONNXConfig): Promise<Exported> {
    requireOutput(path, [this.graph]);
    const { model, warnings, close } = await openGraph(this.graph, convertOptions(config));
    try {
      const written = await writeModel(model, path, { weights: 'embed' });
      return { files: written.files, warnings: [...warnings, ...written.warnings] };
    } finally {
      close();
    }
  }

  async #int8(path: string, config: Torch2ONNXConfig): Promise<Exported> {
    if (this.quantized === null) {
      return bad(
        'dtype',
        config.dtype,
        `fp32, because no quantized model was opened: Model.open("${this.graph}", { quantized: "best_model.pt" })`,
      );
    }
    return withQuantized(this.quantized, async (pair) => {
      const { written, warnings } = await transferFile({
        ...pair,
        graph: this.graph,
        options: convertOptions(config),
        path,
        weights: 'embed',
        recipe: config.recipe,
        format: config.quant_format,
        types: codeTypesOf(config.dtype),
        activations: config.dynamic_activations,
      });
      return { files: written.files, warnings };
    });
  }
}

const convertOptions = ({ opset_version, input_names, output_names, dynamic_axes }: Torch2ONNXConfig) => ({
  opset_version,
  input_names,
  output_names,
  dynamic_axes,
});

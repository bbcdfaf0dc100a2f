/**
 * One program that PyTorch quantized, converted with and without the passes that make integer kernels possible: how
 * many samples equal PyTorch's, and how many of its products run as integers.
 */
import { join } from 'node:path';
import { fileSource } from '../shared/bytes/file-source.ts';
import { openProgram } from '../shared/formats/open.ts';
import { type Stage, STAGES } from '../shared/onnx/passes/index.ts';
import { isProduct } from '../shared/onnx/runtime-facts/integer-kernels.ts';
import type { QuantizedOperator } from '../shared/report/report.ts';
import { openModel } from '../shared/onnx/proto/read.ts';
import { asWritten } from '../shared/steps/int8-reference.ts';
import { thisProcessor } from '../cli/this-processor.ts';
import { type SessionOptions, withSession } from '../shared/runtime/session.ts';
import { convertFile } from '../shared/steps/convert-file.ts';
import { integerKernels } from '../shared/steps/integer-kernels.ts';
import { asFloat32 } from '../shared/tensor/arithmetic.ts';
import { decodeNumbers } from '../shared/tensor/numbers.ts';
import type { QuantizedModule } from '../shared/torch/quantized-weights.ts';
import { quantizedModules } from '../shared/torch/quantized/pt2e-program.ts';
import { agreement, arrayOf, outputsOf } from './inc-case.ts';

export interface Pt2eFiles {
  readonly program: string;
  /** An .npz with inputs as `x`, labels as `y`, and what PyTorch computes under the name `expected`. */
  readonly data: string;
  readonly expected: string;
}

export interface Converted {
  /** Share of samples equal to PyTorch's: the file as it stands, and as onnxruntime optimizes it. */
  readonly equal: { readonly asWritten: number; readonly optimized: number };
  readonly products: readonly QuantizedOperator[];
}

export interface Pt2eResult {
  /** Convolutions, linears and products of matrices whose operands are all codes: in PyTorch, or in the file. */
  readonly quantized: number;
  readonly before: Converted;
  readonly after: Converted;
}

const WITHOUT: readonly Stage[] = STAGES.filter(({ name }) => name !== 'integer-kernels');

/** PyTorch sums in float and in another order; where that changes a code, the difference is a thousand times larger. */
const TOLERANCE = 1e-5;

export async function runPt2eCase(files: Pt2eFiles, folder: string): Promise<Pt2eResult> {
  const source = fileSource(files.program);
  try {
    const modules = quantizedModules(await openProgram(source));
    const made = async (stages: readonly Stage[]): Promise<Converted> => {
      const path = join(folder, 'int8.onnx');
      await convertFile({ source, path, options: { stages }, weights: 'embed' });
      return {
        equal: {
          asWritten: await equalShare(path, files, await writtenOptions(path)),
          optimized: await equalShare(path, files, thisProcessor().addsPairsIn16Bits ? { products: 'precise' } : {}),
        },
        products: (await integerKernels(path, folder)).filter(isProduct),
      };
    };
    const [before, after] = [await made(WITHOUT), await made(STAGES)];
    return { quantized: Math.max(modules.filter(isQuantizedProduct).length, after.products.length), before, after };
  } finally {
    source.close();
  }
}

/** With which a file computes what stands in it, on this processor too. */
export async function writtenOptions(path: string): Promise<SessionOptions> {
  const { model, close } = await openModel(path);
  close();
  return asWritten(model, thisProcessor());
}

const PRODUCTS = /^(conv|linear|matmul|mm|bmm|addmm)/;

const isQuantizedProduct = ({ operator, weight, inputs, mode }: QuantizedModule): boolean =>
  operator !== null &&
  PRODUCTS.test(operator) &&
  (weight ? mode !== 'weight-only' : inputs.every((input) => input !== null));

export async function equalShare(
  path: string,
  { data, expected }: Pt2eFiles,
  options: SessionOptions,
): Promise<number> {
  const x = await arrayOf(data, 'x');
  const labels = decodeNumbers('int64', await (await arrayOf(data, 'y')).read());
  const wanted = asFloat32(await (await arrayOf(data, expected)).read());
  const actual = await withSession(path, options, (session) => outputsOf(session, x));
  return agreement(actual, wanted, { tolerance: TOLERANCE, labels }).equal;
}

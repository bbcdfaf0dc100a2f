/** INT8 models of Neural Compressor with what PyTorch computes with them: those the project carries, or a folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CaseFiles, type Ceiling, type Ceilings, readCeilings } from './inc-case.ts';

export interface IncCase {
  readonly name: string;
  readonly files: CaseFiles;
  readonly ceilings: Ceilings;
}

const OWN = join(import.meta.dirname, '../test/fixtures');
const RECORDED = readCeilings(join(OWN, 'inc', 'ceilings.json'));

/** Who saved the INT8 model of a case: where PyTorch's numbers and its top-1 are. */
const SAVED = [
  { file: 'best_model.pt', array: 'int8', top1: 'int8_torch' },
  { file: 'inc26/best_model.pt', array: 'int8_inc26', top1: 'inc26_torch' },
  { file: 'inc26/best_model.fallback.pt', array: 'int8_inc26_fallback', top1: 'inc26_fallback_torch' },
  { file: 'torch113/best_model.pt', array: 'int8_torch113', top1: 'torch113_torch' },
] as const;
type Saved = (typeof SAVED)[number];
const GRAPHS = ['onnx', 'pt2'] as const;

/** `DIR/inc/<model>-<approach>/` with fp32.onnx, fp32.pt2, best_model.pt, data.npz and case.json. */
export function casesIn(folder: string): IncCase[] {
  const inc = join(folder, 'inc');
  return readdirSync(inc).flatMap((name) =>
    SAVED.filter(({ file }) => existsSync(join(inc, name, file))).flatMap((saved) => {
      const at = (file: string): string => join(inc, name, file);
      const ceilings = RECORDED[`${name}/${saved.file}`] ?? ceilingsIn(join(inc, name), saved);
      const data = { samples: at('data.npz'), expected: at('data.npz'), array: saved.array };
      return GRAPHS.map((kind) => ({
        name: `${name}/${saved.file} on fp32.${kind}`,
        ceilings,
        files: { graph: at(`fp32.${kind}`), quantized: at(saved.file), ...data },
      }));
    }),
  );
}

/** Of `case.json`, what a score needs. */
interface CaseFile {
  readonly int8_output_step?: number | null;
  readonly top1: Readonly<Record<string, number>>;
  readonly qdq_emulation?: Partial<Ceilings>;
  readonly dynamic_emulation?: Partial<Ceilings>;
}

/**
 * Measured of `best_model.pt`, and taken for what other versions saved of the same network: how far they are off counts
 * in steps of their own output.
 */
function ceilingsIn(folder: string, { file, top1 }: Saved): Ceilings {
  const about = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as CaseFile;
  const { bias_float, bias_int32, activation_bits_7 } = { ...about.qdq_emulation, ...about.dynamic_emulation };
  const of = { top1: about.top1[top1]!, step: stepIn(join(folder, file, '..', 'modules.json')) };
  if (activation_bits_7) return { ...of, activation_bits_7 };
  const scaled = (ceiling: Ceiling): Ceiling => ({
    ...ceiling,
    max_abs_diff: (ceiling.max_abs_diff / about.int8_output_step!) * of.step!,
  });
  return { ...of, bias_float: scaled(bias_float!), bias_int32: scaled(bias_int32!) };
}

interface ModulesFile {
  readonly graph: readonly { readonly output?: { readonly scale?: number } }[];
}

/** Of the codes that become the output: the scale of the last value that the FX graph rounds. */
function stepIn(file: string): number | null {
  const { graph } = JSON.parse(readFileSync(file, 'utf8')) as ModulesFile;
  return graph.findLast(({ output }) => output?.scale !== undefined)?.output!.scale ?? null;
}

/** `<model>-<approach>`, or the file of one that another version saved; those whose files the project carries. */
export function ownCases(): IncCase[] {
  return Object.entries(RECORDED).flatMap(([key, ceilings]) => {
    const [name, ...rest] = key.split('/') as [string, ...string[]];
    const [model] = name.split('-') as [string];
    const file = rest.length ? rest.join('/') : 'best_model.pt';
    const at = (path: string): string => join(OWN, 'inc', path);
    const files = {
      quantized: at(`${name}/${file}`),
      samples: at(`${model}.npz`),
      expected: at(`${name}/${file.replace('best_model', 'int8').replace('.pt', '.npz')}`),
      array: 'int8',
    };
    if (!existsSync(files.expected)) return [];
    return GRAPHS.map((kind) => ({
      name: `${name}/${file} on fp32.${kind}`,
      ceilings,
      files: { graph: OWN_GRAPHS[kind](model), ...files },
    }));
  });
}

const OWN_GRAPHS: Readonly<Record<(typeof GRAPHS)[number], (model: string) => string>> = {
  onnx: (model) => join(OWN, 'quantize', model, 'fp32.onnx'),
  pt2: (model) => (model === 'digits_cnn' ? join(OWN, 'pipeline/digits.pt2') : join(OWN, 'inc', `${model}.pt2`)),
};

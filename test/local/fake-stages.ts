/** Stages that make small files instead of models, through the real workspace: for tests of the machine around them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageName } from '../../shared/pipeline/machine/stages.ts';
import type { RunStage } from '../../shared/pipeline/workspace/services.ts';
import { jobStage } from '../../shared/pipeline/workspace/job-stage.ts';
import type { ConvertFacts, QuantizeFacts, ValidateFacts } from '../../shared/pipeline/workspace/record.ts';
import { fail } from '../../shared/errors.ts';
import type { Validation } from '../../shared/report/report.ts';

const validation = (passed: boolean): Validation => ({
  checks: [{ name: 'loads', passed, detail: passed ? '' : 'it does not' }],
  data: 'random',
  samples: 4,
  comparisons: [
    {
      against: 'pytorch',
      samples: 4,
      rtol: 1e-3,
      atol: 1e-4,
      outputs: [
        {
          output: 'y',
          dtype: 'float32',
          elements: 40,
          maxAbsDiff: 1e-6,
          meanAbsDiff: 1e-7,
          cosine: 1,
          sqnr: 90,
          top1Agreement: 1,
          withinTolerance: true,
        },
      ],
    },
  ],
  accuracy: null,
  latency: null,
  runtime: { name: 'onnxruntime-node', version: '1.30.0' },
});

/** Called before a stage works, with its name and variant: throw to make it fail. */
export type Before = (
  stage: StageName,
  variant: string | null,
  signal: AbortSignal | undefined,
) => void | Promise<void>;

export function fakeStages(before: Before = () => {}): Partial<Record<StageName, RunStage>> {
  return {
    convert: jobStage<ConvertFacts>('convert', async (workspace, _input, { signal }) => {
      await before('convert', null, signal);
      const { variants } = workspace.job;
      const path = join(workspace.folder, 'model.onnx');
      await writeFile(path, 'float '.repeat(100));
      const files = [
        await workspace.store(path, 'model.onnx', variants.some((v) => v.dtype === 'fp32') ? 'output' : 'work'),
      ];
      const facts: ConvertFacts = {
        variants,
        conversion: null,
        operators: [{ operator: 'Conv', count: 2 }],
        inputs: [],
        examples: null,
        files,
        warnings: ['a note'],
        format: 'test',
        torchVersion: '2.13.0',
        sha256: null,
        ranges: {},
      };
      return { facts, output: { variants: variants.map(({ name, quantize }) => ({ name, quantize })), bytes: 600 } };
    }),
    quantize: jobStage<QuantizeFacts>('quantize', async (workspace, input, { signal }) => {
      const { name } = input['variant'] as { name: string };
      await before('quantize', name, signal);
      const variant = workspace.job.variants.find((v) => v.name === name)!;
      const path = join(workspace.folder, variant.file);
      await writeFile(path, 'int8 '.repeat(30));
      const files = [await workspace.store(path, variant.file)];
      const quantization = {
        approach: 'dynamic',
        format: 'QLinear',
        calibration: null,
        quantized: 2,
        skipped: [],
        layers: [],
      } as const;
      return {
        facts: { quantization, files, operators: [{ operator: 'ConvInteger', count: 2 }], warnings: [] },
        output: { bytes: 150 },
      };
    }),
    validate: jobStage<ValidateFacts>('validate', async (_workspace, input, { signal }) => {
      const { name } = input['variant'] as { name: string };
      await before('validate', name, signal);
      return { facts: { validation: validation(true) }, output: {} };
    }),
  };
}

export const unsupported = (): never =>
  fail('UnsupportedOperator', { operators: [{ name: 'aten::mystery', count: 2, at: 'layer1.0 (net.py:12)' }] });

/** The beginning of a program, which is all that Claim looks at. */
export const PROGRAM = Buffer.from('{"graph_module":'.padEnd(104));

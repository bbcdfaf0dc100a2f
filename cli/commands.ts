/** The commands, by name. Each is loaded when it is asked for: all of them take a third of a second. */
import type { Command } from './command.ts';

export interface NamedCommand {
  readonly summary: string;
  load(): Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, NamedCommand>> = {
  convert: {
    summary: 'convert PyTorch models (.pt2) to ONNX, FP32 or INT8',
    load: async () => (await import('./commands/convert.ts')).convert,
  },
  inspect: {
    summary: 'show inputs, outputs, operators and weights of a PyTorch model',
    load: async () => (await import('./commands/inspect.ts')).inspect,
  },
  quantize: {
    summary: 'quantize ONNX models to INT8 or INT4',
    load: async () => (await import('./commands/quantize.ts')).quantize,
  },
  validate: {
    summary: 'run ONNX models in onnxruntime and compare',
    load: async () => (await import('./commands/validate.ts')).validate,
  },
  run: {
    summary: 'run the whole pipeline: convert, quantize, validate, report',
    load: async () => (await import('./commands/run.ts')).run,
  },
  batch: {
    summary: 'run the pipeline over a folder of models or a manifest, with one report',
    load: async () => (await import('./commands/batch.ts')).batch,
  },
  watch: {
    summary: 'convert the models that appear in a folder, until Ctrl-C',
    load: async () => (await import('./commands/watch.ts')).watch,
  },
  serve: {
    summary: 'a page to drop models and data on, for this machine only',
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  status: {
    summary: 'jobs that failed or did not finish, and what to do about them',
    load: async () => (await import('./commands/status.ts')).status,
  },
  reprocess: {
    summary: 'start failed jobs again, and those that did not finish',
    load: async () => (await import('./commands/reprocess.ts')).reprocess,
  },
  presign: {
    summary: 'make a form by which others upload to one prefix, up to a size, for a while',
    load: async () => (await import('./commands/presign.ts')).presign,
  },
  cost: {
    summary: 'project what many models would cost on AWS, and how long they would take, from the reports of some',
    load: async () => (await import('./commands/cost.ts')).cost,
  },
  ops: {
    summary: 'list the PyTorch operators that can be converted',
    load: async () => (await import('./commands/ops.ts')).ops,
  },
};

/** Convert: the PyTorch file to an ONNX file. */
import { join } from 'node:path';
import { fileSource } from '../../bytes/byte-source.ts';
import { openModel } from '../../onnx/proto/read.ts';
import { writeModel } from '../../onnx/proto/write.ts';
import { convertFile, operatorCounts } from '../convert-file.ts';
import type { VariantRequest } from '../job.ts';
import { jobStage } from '../job-stage.ts';
import type { ConvertFacts, StoredFile } from '../record.ts';
import type { Services } from '../services.ts';
import type { OpenedObject } from '../store.ts';
import type { Workspace } from '../workspace.ts';
import { hashSource } from '../workspace.ts';

type Made = Omit<ConvertFacts, 'files' | 'sha256' | 'format'> & { readonly format: string; readonly paths: readonly { readonly path: string; readonly name: string }[] };

export const run = jobStage<ConvertFacts>('convert', async (workspace, _input, services) => {
  const { job } = workspace;
  const source = await workspace.openModel();
  const { paths, ...made } = await (job.format === 'ONNX' ? takeOnnx : convertPyTorch)(workspace, source, services);
  // An FP32 model that nobody asked for is only what the INT8 ones are made of.
  const place = job.variants.some((variant) => variant.dtype === 'fp32') ? 'output' : 'work';
  const files: StoredFile[] = [];
  for (const { path, name } of paths) files.push(await workspace.store(path, name, place));
  const facts: ConvertFacts = { ...made, files, sha256: await hashSource(source, services.signal) };
  return { facts, output: { variants: job.variants.map(({ name, quantize }: VariantRequest) => ({ name, quantize })), bytes: files.reduce((n, f) => n + f.bytes, 0) } };
});

async function convertPyTorch({ job, folder, ...workspace }: Workspace, opened: OpenedObject, services: Services): Promise<Made> {
  throw new Error('see below');
}

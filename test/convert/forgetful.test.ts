/** Recorded types are an oracle, not a crutch: without them the same graph is lowered, or it is refused in words. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { convertProgram } from '../../shared/convert/convert.ts';
import { FerryError, isFailure } from '../../shared/errors.ts';
import { openProgram } from '../../shared/formats/open.ts';
import { printModel } from '../../shared/onnx/text.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { openSession } from '../../shared/runtime/session.ts';
import type { TensorData } from '../../shared/tensor/data.ts';
import type { TorchProgram } from '../../shared/torch/program.ts';
import { withoutRecords } from './forgetful.ts';

const TESTS = join(import.meta.dirname, '..');
const FOLDERS = ['convert/programs', 'fixtures/functionalize', 'fixtures/pt2', 'conformance/zoo'];

/** What is refused without records, and the words for it. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'autocast-bfloat16': /autocast where the file records the type/,
  'autocast-policies': /autocast where the file records the type/,
  'complex-numbers': /complex numbers where the file records the type/,
  'fft-dynamic': /complex numbers where the file records the type/,
  'fft-layer': /complex numbers where the file records the type/,
  'stft-istft': /complex numbers where the file records the type/,
  w_strided_storages: /complex numbers where the file records the type/,
  mut_as_strided: /cannot be told from the sizes and strides in the file/,
  mut_complex_view: /cannot be told from the sizes and strides in the file/,
  mut_out_variant: /the type of its result is not known/,
};
/** Another graph for the same numbers: chunks of sizes not recorded are split again, sizes not known before a run. */
const WRITTEN_OTHERWISE = ['mut_chunk_parts', 'hf_bert.dyn'];

const name = (file: string): string =>
  basename(file) === 'program.pt2' ? basename(dirname(file)) : basename(file, '.pt2');
const files = FOLDERS.flatMap((folder) =>
  (readdirSync(join(TESTS, folder), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.pt2'))
    .map((file) => join(TESTS, folder, file)),
);

const programOf = async (file: string): Promise<TorchProgram | null> => {
  try {
    return await openProgram(fileSource(file));
  } catch (error) {
    // Files that must not open are here as well.
    if (isFailure(error)) return null;
    throw error;
  }
};

/** The text of the model, or of its refusal. */
function lowered(program: TorchProgram): { readonly model: string } | { readonly refusal: FerryError } {
  try {
    return { model: printModel(convertProgram(program).model, { types: true, elements: 8 }) };
  } catch (error) {
    if (error instanceof FerryError) return { refusal: error };
    throw error;
  }
}

/** Sizes have other names, or are written as another formula, where no record gives them. */
const withoutSizes = (text: string): string =>
  text.replace(/(?<=[a-z0-9])\[[^\]{}]*\]/g, (shape) => shape.replace(/"[^"]*"|[A-Za-z_][\w.]*/g, '?'));

test.each(files.map((file) => [name(file), file] as const))('%s', async (called, file) => {
  const program = await programOf(file);
  if (!program) return;
  const [known, forgotten] = [lowered(program), lowered(withoutRecords(program))];
  if ('refusal' in known) return expect('refusal' in forgotten && forgotten.refusal.code).toBe(known.refusal.code);
  if ('refusal' in forgotten) return expect(forgotten.refusal.message).toMatch(REFUSED[called] ?? /^no refusal$/);
  expect(Object.keys(REFUSED)).not.toContain(called);
  if (WRITTEN_OTHERWISE.includes(called))
    return expect(await outputsOf(program)).toEqual(await outputsOf(withoutRecords(program)));
  expect(withoutSizes(forgotten.model)).toBe(withoutSizes(known.model));
});

const folder = mkdtempSync(join(tmpdir(), 'torchferry-forgetful-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the model computes of the example inputs in the file. */
async function outputsOf(program: TorchProgram): Promise<unknown[]> {
  const path = join(folder, 'model.onnx');
  await writeModel(convertProgram(program).model, path, { weights: 'embed' });
  const session = await openSession(path, { threads: 1 });
  try {
    const samples = ((await program.sampleInputs()) ?? []).filter((sample): sample is TensorData => sample !== null);
    expect(samples.length).toBe(session.inputs.length);
    const feeds = await Promise.all(
      session.inputs.map(
        async (input, i) => [input.name, { ...samples[i]!, memory: await samples[i]!.read() }] as const,
      ),
    );
    const results = await session.run(new Map(feeds));
    return session.outputs.map((output) => [results.get(output.name)!.shape, [...results.get(output.name)!.memory]]);
  } finally {
    await session.release();
  }
}

/** Whole programs that PyTorch wrote: converted, run in onnxruntime and compared with what PyTorch computed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { convertProgram } from '../../shared/convert/convert.ts';
import { isFailure } from '../../shared/errors.ts';
import { checkModel } from '../../shared/onnx/check.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { type MemoryTensor, openSession, type Session } from '../../shared/runtime/session.ts';
import { memoryData, type TensorData } from '../../shared/tensor/data.ts';
import type { Dtype } from '../../shared/tensor/dtype.ts';
import { readNpz } from '../../shared/tensor/npz.ts';
import { decodeNumbers, encodeNumbers } from '../../shared/tensor/numbers.ts';
import { openProgram } from '../../shared/formats/open.ts';

interface Case {
  /** The version that wrote the program and computed the numbers. */
  readonly torch: string;
  readonly rtol: number;
  readonly atol: number;
  readonly opsets: readonly number[];
  /** By opset: the code of the refusal that is right. */
  readonly refused?: Readonly<Record<string, string>>;
}

const PROGRAMS = new URL('./programs/', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'programs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(readdirSync(PROGRAMS))('%s', (name) => {
  const recorded = JSON.parse(readFileSync(join(PROGRAMS, name, 'case.json'), 'utf8')) as Case;
  test.each(recorded.opsets)('opset %i', async (opset) => {
    const refusal = recorded.refused?.[opset];
    if (refusal) expect(await codeOf(convert(name, opset))).toBe(refusal);
    else expect(await problems(await convert(name, opset), name, recorded)).toEqual([]);
  });
});

async function convert(name: string, opset: number): Promise<string> {
  const source = fileSource(join(PROGRAMS, name, 'program.pt2'));
  const path = join(folder, `${name}-${opset}.onnx`);
  try {
    const { model } = convertProgram(await openProgram(source), { opset_version: opset });
    checkModel(model);
    await writeModel(model, path, { weights: 'embed' });
  } finally {
    source.close();
  }
  return path;
}

const codeOf = (converted: Promise<string>): Promise<string> =>
  converted.then(
    () => 'converted',
    (error: unknown) => (isFailure(error) ? error.code : String(error)),
  );

/** Every set of inputs: a.npz, b.npz ... */
async function problems(path: string, name: string, recorded: Case): Promise<string[]> {
  const session = await openSession(path);
  const found: string[] = [];
  for (const file of readdirSync(join(PROGRAMS, name)).filter((f) => f.endsWith('.npz'))) {
    const source = fileSource(join(PROGRAMS, name, file));
    found.push(
      ...(await differences(session, await arraysOf(await readNpz(source)), recorded)).map(
        (problem) => `${file}: ${problem}`,
      ),
    );
    source.close();
  }
  await session.release();
  return found;
}

type Arrays = ReadonlyMap<
  string,
  { readonly dtype: Dtype; readonly shape: readonly number[]; readonly numbers: Float64Array }
>;

async function arraysOf(
  npz: ReadonlyMap<string, { readonly data: TensorData; readonly shape: readonly number[] }>,
): Promise<Arrays> {
  const arrays = [...npz].map(
    async ([name, { data, shape }]) =>
      [name, { dtype: data.dtype, shape, numbers: decodeNumbers(data.dtype, await data.read()) }] as const,
  );
  return new Map(await Promise.all(arrays));
}

async function differences(session: Session, arrays: Arrays, { rtol, atol }: Case): Promise<string[]> {
  // bfloat16 is stored as float32: the model takes what it asks for.
  const feeds = session.inputs.map(({ name, type }, i) => {
    const { shape, numbers } = arrays.get(`input_${i}`)!;
    return [name, memoryData(type.dtype, shape, encodeNumbers(type.dtype, numbers))] as const;
  });
  const results = await session.run(new Map(feeds));
  return session.outputs.flatMap(({ name }, i) => {
    const expected = arrays.get(`output_${i}`);
    return expected ? difference(results.get(name)!, expected, rtol, atol).map((text) => `output ${i}: ${text}`) : [];
  });
}

function difference(
  actual: MemoryTensor,
  expected: { readonly shape: readonly number[]; readonly numbers: Float64Array },
  rtol: number,
  atol: number,
): string[] {
  if (actual.shape.join() !== expected.shape.join())
    return [`shape [${actual.shape}], PyTorch gives [${expected.shape}]`];
  const numbers = decodeNumbers(actual.dtype, actual.memory);
  const at = numbers.findIndex((x, i) => !isClose(x, expected.numbers[i]!, rtol, atol));
  return at < 0 ? [] : [`element ${at} is ${numbers[at]}, PyTorch gives ${expected.numbers[at]}`];
}

const isClose = (x: number, y: number, rtol: number, atol: number): boolean =>
  Object.is(x, y) || x === y || Math.abs(x - y) <= atol + rtol * Math.abs(y);

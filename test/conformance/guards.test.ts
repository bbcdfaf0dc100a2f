/**
 * Programs that torch.export recorded under a condition on their sizes: it is said, and with `guards: check` the model
 * fails where it does not hold, whatever onnxruntime optimizes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileSource } from '../../shared/bytes/file-source.ts';
import type { GuardsOption } from '../../shared/choices.ts';
import { VALID_FOR } from '../../shared/convert/convert.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { inMemory, openSession, type Session } from '../../shared/runtime/session.ts';
import { encodeNumbers } from '../../shared/tensor/numbers.ts';
import { type ConvertedFile, convertFile } from '../../shared/steps/convert-file.ts';
import { validateFile } from '../../shared/steps/validate-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'torchferry-guards-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const onnx = (name: string, guards: GuardsOption): string => join(folder, `${name}.${guards}.onnx`);

async function converted(name: string, guards: GuardsOption): Promise<ConvertedFile> {
  const source = fileSource(join(import.meta.dirname, 'guards', `${name}.pt2`));
  try {
    return await convertFile({ source, path: onnx(name, guards), options: { guards }, weights: 'embed' });
  } finally {
    source.close();
  }
}

interface Case {
  readonly says: readonly string[];
  /** Shapes of the inputs; a number is an integer input. */
  readonly valid: readonly (readonly number[] | number)[];
  readonly invalid: readonly (readonly number[] | number)[];
  /** What the failing model names. */
  readonly names: string;
}

const CASES: Readonly<Record<string, Case>> = {
  mod: { says: ['batch % 2 == 0'], valid: [[4, 3]], invalid: [[5, 3]], names: 'batch % 2 == 0' },
  gt: { says: ['batch >= 5'], valid: [[8, 3]], invalid: [[4, 3]], names: 'batch >= 5' },
  two: {
    says: ['batch >= 3', 'batch_2 < batch'],
    valid: [
      [5, 3],
      [3, 3],
    ],
    invalid: [
      [3, 3],
      [3, 3],
    ],
    names: 'batch_2 < batch',
  },
  eq2: {
    says: [],
    valid: [
      [6, 3],
      [3, 3],
    ],
    invalid: [
      [7, 3],
      [3, 3],
    ],
    names: 'a.shape[0] == 2*batch',
  },
  // onnxruntime would broadcast a batch of one.
  same: {
    says: [],
    valid: [
      [6, 10],
      [6, 10],
    ],
    invalid: [
      [6, 10],
      [1, 10],
    ],
    names: 'b.shape[0] == batch',
  },
  der: { says: ['s65 <= 50'], valid: [[6, 10]], invalid: [[7, 10]], names: 'a.shape[0] == 2*s65' },
  rnd: { says: ['round(batch / 3.0) == 2'], valid: [[6, 10]], invalid: [[9, 10]], names: 'round(batch / 3.0) == 2' },
  floatg: { says: ['0.7 * batch > 3.0'], valid: [[6, 10]], invalid: [[4, 10]], names: '0.7 * batch > 3.0' },
  intin: { says: ['b >= 4'], valid: [[6, 10], 5], invalid: [[6, 10], 3], names: 'b >= 4' },
  lst: {
    says: [],
    valid: [
      [6, 10],
      [6, 10],
    ],
    invalid: [
      [6, 10],
      [1, 10],
    ],
    names: 'a.1.k.shape[0] == batch',
  },
};

function run(session: Session, given: Case['valid']): Promise<unknown> {
  const feeds = session.inputs.map(({ name, type }, i) => {
    const shape = given[i]!;
    const [dims, numbers] = typeof shape === 'number' ? [[], [shape]] : [shape, null];
    const count = dims.reduce((a, b) => a * b, 1);
    const bytes = encodeNumbers(type.dtype, numbers ?? Array.from({ length: count }, (_, at) => at));
    return [name, inMemory(type.dtype, dims, bytes)] as const;
  });
  return session.run(new Map(feeds));
}

describe.each(Object.entries(CASES))('%s', (name, { says, valid, invalid, names }) => {
  let said: ConvertedFile;
  beforeAll(async () => {
    said = await converted(name, 'report');
    await converted(name, 'check');
  });

  test('says what it is valid for', async () => {
    expect(said.facts.validFor ?? []).toEqual(says);
    const { model, close } = await openModel(onnx(name, 'report'));
    close();
    expect(model.metadata.get(VALID_FOR)).toBe(says.length ? JSON.stringify(says) : undefined);
    expect(said.warnings).toEqual([]);
  });

  test('with check: runs where the condition holds, fails by its name where it does not', async () => {
    const session = await openSession(onnx(name, 'check'));
    try {
      await expect(run(session, valid)).resolves.toBeDefined();
      await expect(run(session, invalid)).rejects.toThrow(`requires ${names}'`);
    } finally {
      await session.release();
    }
  });

  test.each(['report', 'check'] as const)('is validated at sizes it is valid for (%s)', async (guards) => {
    const { checks } = await validateFile({ model: onnx(name, guards), now: () => performance.now() });
    expect(checks.filter((check) => !check.passed)).toEqual([]);
  });
});

test('a condition that cannot be read is named', async () => {
  const { facts, warnings } = await converted('unread', 'report');
  expect(facts.validFor).toBeUndefined();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("(L['a'].size()[0] & (-1) + L['a'].size()[0]) == 0");
});

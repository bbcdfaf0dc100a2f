/** Which machine holds a model, before anything is done with it. */
import { expect, it } from 'vitest';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { type Tier, tierFor } from '../../shared/pipeline/machine/tiers.ts';

const STANDARD: Tier = { name: 'standard', memoryMb: 3008, temporaryMb: 10_240 };
const LARGE: Tier = { name: 'large', memoryMb: 10_240, temporaryMb: 10_240 };
const GB = 1e9;

it('is the smallest that has memory and room for files', () => {
  expect(tierFor(0.1 * GB, [STANDARD, LARGE])).toBe(STANDARD);
  expect(tierFor(1.9 * GB, [STANDARD, LARGE])).toBe(STANDARD);
  expect(tierFor(2.2 * GB, [STANDARD, LARGE])).toBe(LARGE);
  expect(tierFor(4.6 * GB, [STANDARD, LARGE])).toBe(LARGE);
});

it('says what the largest lacks, and how large a model may be', () => {
  const { memory } = STAGES.validate.needs;
  const most = Math.floor(((3008 - memory.fixedMb) / memory.ofModel) * 2 ** 20);
  expect(tierFor(2.2 * GB, [STANDARD])).toEqual({
    stage: 'validate',
    what: 'memory',
    needed: Math.ceil(memory.fixedMb + (memory.ofModel * 2.2 * GB) / 2 ** 20),
    there: 3008,
    mostBytes: most,
  });
  expect(tierFor(most, [STANDARD])).toBe(STANDARD);
  expect(tierFor(most + 1, [STANDARD])).not.toBe(STANDARD);
  expect(tierFor(6 * GB, [STANDARD, LARGE])).toMatchObject({
    stage: 'quantize',
    what: 'temporary files',
    there: 10_240,
  });
});

it('is no question of size for conversion, which streams', () => {
  expect(STAGES.convert.needs.memory.ofModel).toBe(0);
  expect(STAGES.convert.needs.files.ofModel).toBe(0);
});

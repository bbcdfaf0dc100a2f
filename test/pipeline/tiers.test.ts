/** Which machine holds a model, before anything is done with it. */
import { describe, expect, it } from 'vitest';
import { FARGATE_SIZE_NAMES, FARGATE_SIZES, fargateTiers } from '../../shared/pipeline/machine/fargate-sizes.ts';
import { largerFor } from '../../shared/pipeline/machine/larger.ts';
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

describe('tasks', () => {
  const ALL = [STANDARD, ...fargateTiers(122_880)];

  it('take what no function holds, each the smallest that does', () => {
    const names = [1.9, 2.2, 11, 20, 40, 90].map((gb) => (tierFor(gb * GB, ALL) as Tier).name);
    expect(names).toEqual(['standard', 'fargate16', 'fargate16', 'fargate30', 'fargate60', 'fargate120']);
    expect(tierFor(96 * GB, ALL)).toMatchObject({ what: 'temporary files', there: 197 * 1024 });
    expect(tierFor(20 * GB, [STANDARD, ...fargateTiers(16_384)])).toMatchObject({ what: 'memory', there: 16_384 });
  });

  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html: GB by vCPUs, and in steps.
  it.each(FARGATE_SIZE_NAMES)('%s is a size that Fargate knows', (name) => {
    const KNOWN = { 2: [4, 16, 1], 4: [8, 30, 1], 8: [16, 60, 4], 16: [32, 120, 8] } as const;
    const { vcpus, memoryMb, storageGib } = FARGATE_SIZES[name];
    const [least, most, step] = KNOWN[vcpus];
    const gb = memoryMb / 1024;
    expect([gb >= least, gb <= most, (gb - least) % step]).toEqual([true, true, 0]);
    expect(storageGib >= 21 && storageGib <= 200).toBe(true);
  });

  it('have room for the files of a model that fills their memory, up to the 200 GiB there are', () => {
    const what = fargateTiers(61_440)
      .map((tier) => tierFor(1e12, [tier]))
      .map((found) => 'what' in found && found.what);
    expect(what).toEqual(['memory', 'memory', 'memory']);
  });
});

it('a deployment that cannot hold a model is told what would', () => {
  expect(largerFor(2.2 * GB)).toBe(
    'deploy with -c largeMemoryMb=10240 (holds 4.6 GB) or -c fargateMemoryMb=16384 (a Fargate task, holds 12.3 GB)',
  );
  expect(largerFor(30 * GB)).toBe('deploy with -c fargateMemoryMb=61440 (a Fargate task, holds 47.3 GB)');
  expect(largerFor(96 * GB)).toBeNull();
});

it('is no question of size for conversion, which streams', () => {
  expect(STAGES.convert.needs.memory.ofModel).toBe(0);
  expect(STAGES.convert.needs.files.ofModel).toBe(0);
});

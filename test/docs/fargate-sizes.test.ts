/** The table of tasks in docs/aws.md is that of the sizes, with what they hold and what they cost by the price list. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FREE_TASK_STORAGE_GIB, PRICES } from '../../shared/pipeline/cost/prices.ts';
import { FARGATE_SIZES, type FargateSizeName, fargateTiers } from '../../shared/pipeline/machine/fargate-sizes.ts';
import { mostBytesOf } from '../../shared/pipeline/machine/tiers.ts';
import type { Architecture } from '../../shared/report/cost.ts';

const PAGE = readFileSync(new URL('../../docs/aws.md', import.meta.url), 'utf8');

function hourly(name: FargateSizeName, architecture: Architecture): string {
  const { vcpus, memoryMb, storageGib } = FARGATE_SIZES[name];
  const { taskVcpuHours, taskGbHours, taskStorageGbHours } = PRICES;
  const usd =
    vcpus * taskVcpuHours.usd[architecture] +
    (memoryMb / 1024) * taskGbHours.usd[architecture] +
    (storageGib - FREE_TASK_STORAGE_GIB) * taskStorageGbHours.usd[architecture];
  return `$${usd.toFixed(2)}`;
}

it.each(fargateTiers(Infinity).map((tier) => [tier.name as FargateSizeName, tier] as const))('%s', (name, tier) => {
  const { vcpus, memoryMb, storageGib } = FARGATE_SIZES[name];
  // Rounded down: what a reader takes for held is held.
  const most = (Math.floor(mostBytesOf(tier) / 1e8) / 10).toFixed(1);
  const price = `${hourly(name, 'arm64')} (${hourly(name, 'x86_64')})`;
  const [, row] = new RegExp(`^(\\| \`${name}\` .*)$`, 'm').exec(PAGE) ?? [];
  expect(row).toBe(`| \`${name}\` | ${vcpus} | ${memoryMb / 1024} GB | ${storageGib} GiB | ${most} GB | ${price} |`);
});

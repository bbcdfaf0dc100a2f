/** What a deployment can choose so that a model is held which its machines cannot hold. */
import { fargateTiers } from './fargate-sizes.ts';
import { mostBytesOf, type Tier } from './tiers.ts';

// What Lambda has at most.
const LARGE: Tier = { name: 'large', memoryMb: 10_240, temporaryMb: 10_240 };

const GB = 1e9;
const holds = (tier: Tier): string => `holds ${(mostBytesOf(tier) / GB).toFixed(1)} GB`;

/** For people; null: no deployment holds so many bytes. */
export function largerFor(bytes: number): string | null {
  const fits = (tier: Tier): boolean => mostBytesOf(tier) >= bytes;
  const [task] = fargateTiers(Infinity).filter(fits);
  const choices = [
    ...[LARGE].filter(fits).map((tier) => `-c largeMemoryMb=${tier.memoryMb} (${holds(tier)})`),
    ...(task ? [`-c fargateMemoryMb=${task.memoryMb} (a Fargate task, ${holds(task)})`] : []),
  ];
  return choices.length ? `deploy with ${choices.join(' or ')}` : null;
}

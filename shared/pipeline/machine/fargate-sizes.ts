/** Fargate tasks there are for models that no function holds, the smallest first. */
import type { Tier } from './tiers.ts';

interface FargateSize {
  readonly vcpus: number;
  readonly memoryMb: number;
  /** Of the ephemeral storage, which holds the image, too: up to 200. */
  readonly storageGib: number;
}

// Of the sizes that Fargate knows those with the most memory for their processors. As much storage as the stages ask
// for with a model that fills the memory.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
export const FARGATE_SIZES = {
  fargate16: { vcpus: 2, memoryMb: 16_384, storageGib: 32 },
  fargate30: { vcpus: 4, memoryMb: 30_720, storageGib: 56 },
  fargate60: { vcpus: 8, memoryMb: 61_440, storageGib: 108 },
  fargate120: { vcpus: 16, memoryMb: 122_880, storageGib: 200 },
} as const satisfies Record<string, FargateSize>;

export type FargateSizeName = keyof typeof FARGATE_SIZES;
export const FARGATE_SIZE_NAMES = Object.keys(FARGATE_SIZES) as readonly FargateSizeName[];

// Node's image unpacked, and the code of a stage with onnxruntime.
const IMAGE_GIB = 3;

/** Those of at most so much memory, as tiers. */
export const fargateTiers = (mostMb: number): readonly Tier[] =>
  FARGATE_SIZE_NAMES.map((name): Tier => {
    const { memoryMb, storageGib } = FARGATE_SIZES[name];
    return { name, memoryMb, temporaryMb: (storageGib - IMAGE_GIB) * 1024 };
  }).filter(({ memoryMb }) => memoryMb <= mostMb);

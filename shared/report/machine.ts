/** What a latency was measured on, in words: without it a number of milliseconds means nothing. */
import { formatCounted } from './format.ts';
import type { Machine, Variant } from './report.ts';

/** `AMD EPYC, x64 with VNNI; 4 cores, 2 threads`. */
export const machineText = ({ processor, cores, threads }: Machine): string =>
  [
    processor,
    [
      ...(cores === null ? [] : [formatCounted(cores, 'core')]),
      ...(threads === null ? [] : [formatCounted(threads, 'thread')]),
    ].join(', '),
  ]
    .filter((part) => part !== '')
    .join('; ');

/** Of all variants, each machine once. */
export const machinesOf = (variants: readonly Variant[]): readonly string[] => [
  ...new Set(
    variants.flatMap(({ validation }) =>
      validation?.latency?.machine ? [machineText(validation.latency.machine)] : [],
    ),
  ),
];

/** The command line in this process: its exit code and what it printed. */
import { vi } from 'vitest';
import { cli } from '../../cli/cli.ts';

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function printed(...args: string[]): Promise<Printed> {
  const texts = { out: '', err: '' };
  const spies = (['out', 'err'] as const).map((stream) =>
    vi.spyOn(process[`std${stream}`], 'write').mockImplementation((chunk) => {
      texts[stream] += String(chunk);
      return true;
    }),
  );
  try {
    return { code: await cli(args), ...texts };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

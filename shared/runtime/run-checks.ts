/** Checks of a run: what succeeds, what the outputs are, whether they are finite. */
import type { Check, Comparison } from '../report/report.ts';
import { isFailure } from '../errors.ts';
import { asFloats, extentOf } from '../tensor/arithmetic.ts';
import { isFloat } from '../tensor/dtype.ts';
import { type Declared, type MemoryTensors, type Session } from './session.ts';
import { actualText, bindSizes } from './shapes.ts';

/** A check that passes when the work succeeds; a typed failure fails it, a bug stays a bug. */
export async function attempt<T>(checks: Check[], name: string, work: () => Promise<T>): Promise<T | null> {
  try {
    const result = await work();
    checks.push({ name, passed: true, detail: '' });
    return result;
  } catch (error) {
    if (!isFailure(error)) throw error;
    checks.push({ name, passed: false, detail: error.message });
    return null;
  }
}

export function judge(
  checks: Check[],
  name: string,
  { problems, good }: { readonly problems: readonly string[]; readonly good: string },
): void {
  checks.push({ name, passed: problems.length === 0, detail: problems.length ? problems.join('; ') : good });
}

export interface Run {
  readonly outputs: readonly Declared[];
  readonly feeds: MemoryTensors;
  readonly sizes: ReadonlyMap<string, number>;
}

/** Run once and hold the outputs against their declaration. */
export async function runChecked(
  checks: Check[],
  session: Session,
  { outputs, feeds, sizes }: Run,
): Promise<MemoryTensors | null> {
  const name = sizes.size
    ? `runs with ${[...sizes].map(([symbol, size]) => `${symbol} = ${size}`).join(', ')}`
    : 'runs';
  let results: MemoryTensors;
  try {
    results = await session.run(feeds);
  } catch (error) {
    if (!isFailure(error)) throw error;
    judge(checks, name, { problems: [error.message], good: '' });
    return null;
  }
  const missing = outputs.filter((o) => !results.has(o.name)).map((o) => `output "${o.name}" is missing`);
  judge(checks, name, {
    problems: [...missing, ...bindSizes(outputs, results, sizes).problems],
    good: [...results].map(([n, t]) => `${n} ${actualText(t)}`).join(', '),
  });
  return results;
}

/**
 * NaN and infinities may stand only where the reference has them. Made-up inputs prove nothing: log of a negative
 * number is NaN in PyTorch too.
 */
export function judgeFinite(
  checks: Check[],
  {
    comparisons,
    outputs,
    isRandom,
  }: { readonly comparisons: readonly Comparison[]; readonly outputs: MemoryTensors; readonly isRandom: boolean },
): void {
  const unlike = comparisons.flatMap((c) =>
    c.outputs
      .filter((o) => Number.isNaN(o.maxAbsDiff))
      .map((o) => `output "${o.output}" has NaN or infinity where ${c.against} has none, or the other way round`),
  );
  const compared = new Set(comparisons.flatMap((c) => c.outputs.map((o) => o.output)));
  const bad = [...outputs].filter(
    ([name, t]) => !compared.has(name) && isFloat(t.dtype) && !extentOf(asFloats(t.dtype, t.memory)).finite,
  );
  const seen = bad.map(([name]) => `output "${name}" has NaN or infinity`);
  if (isRandom && seen.length)
    judge(checks, 'finite outputs', {
      problems: unlike,
      good: `${seen.join('; ')}; not judged, because the inputs are random and nothing was there to compare with`,
    });
  else judge(checks, 'finite outputs', { problems: [...unlike, ...seen], good: 'all finite' });
}

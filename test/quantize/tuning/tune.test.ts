/** The search, with trials that are not made: what it tries, what it takes, and where it stops. */
import { describe, expect, test } from 'vitest';
import type { Trial } from '../../../shared/report/quantization.ts';
import type { Candidate, SpeedGroup } from '../../../shared/quantize/tuning/candidates.ts';
import type { TrialPlan } from '../../../shared/quantize/tuning/trials.ts';
import { tune, type TuneRequest } from '../../../shared/quantize/tuning/tune.ts';

const candidate = (name: string): Candidate => ({ name, setting: {} });
const group = (name: string, ...others: string[]): SpeedGroup => ({
  first: candidate(name),
  others: others.map(candidate),
});

/** Noise that layers add to the outputs; speed and size by candidate. */
interface World {
  readonly groups: readonly SpeedGroup[];
  readonly layers?: Readonly<Record<string, number>>;
  /** Of a candidate: all its noise is multiplied by it. */
  readonly noise?: Readonly<Record<string, number>>;
  readonly speed?: Readonly<Record<string, number>>;
  readonly bytes?: Readonly<Record<string, number>>;
  /** Names of layers that are quantized because of their neighbours. */
  readonly between?: readonly string[];
}

const LIMIT = 0.01;

function request(world: World, more: Partial<TuneRequest> = {}) {
  const { groups, layers = { a: 0.001 }, noise = {}, speed = {}, bytes = {}, between = [] } = world;
  const made: string[] = [];
  let recorded: readonly Trial[] = [];
  const asked: TuneRequest = {
    groups,
    bounds: { trials: 100, seconds: 100 },
    earlier: [],
    make({ candidate: { name }, layers: which, float }: TrialPlan) {
      made.push(
        `${name}:${which.kind === 'only' ? which.layer : which.kind === 'all' ? '*' : `-${which.float.join()}`}`,
      );
      const left = Object.entries(layers).filter(([layer]) => !float.includes(layer));
      const total = left.reduce((n, [, own]) => n + own, 0) * (noise[name] ?? 1);
      return Promise.resolve({
        measured: total,
        drop: total,
        met: total <= LIMIT && left.length > 0,
        sqnr: -10 * Math.log10(total),
        bytes: bytes[name] ?? 100,
        sha256: null,
        ratioToFp32: which.kind === 'only' ? null : (speed[name] ?? 1),
        medianMs: null,
        problem: left.length ? null : 'nothing is quantized',
      });
    },
    layersOf: () => Promise.resolve(Object.keys(layers).map((name) => ({ name, forItself: !between.includes(name) }))),
    record: (trials) => Promise.resolve(void (recorded = trials)),
    now: () => 0,
    ...more,
  };
  return { asked, made, recorded: () => recorded };
}

const floatOf = (trial: Trial | undefined): readonly string[] =>
  trial?.layers.kind === 'without' ? trial.layers.float.toSorted() : [];

describe('of those that meet the goal', () => {
  test('the fastest is taken, and nothing else is tried', async () => {
    const { asked, made } = request({ groups: [group('x', 'x2'), group('y')], speed: { x: 0.9, y: 0.5 } });
    const { chosen, endedBy } = await tune(asked);
    expect([chosen!.candidate.name, chosen!.trial.layers, endedBy]).toEqual(['y', { kind: 'all' }, null]);
    expect(made).toEqual(['x:*', 'y:*']);
  });

  test('of as fast ones the smallest is taken, of as small ones the first', async () => {
    const groups = [group('x'), group('y'), group('z')];
    const speed = { x: 0.52, y: 0.5, z: 0.51 };
    const small = request({ groups, speed, bytes: { z: 50 } });
    expect((await tune(small.asked)).chosen!.candidate.name).toBe('z');
    expect((await tune(request({ groups, speed }).asked)).chosen!.candidate.name).toBe('x');
  });

  test('other calibrators are tried where they would be faster, until one meets it', async () => {
    const world = { groups: [group('x', 'x2', 'x3', 'x4'), group('y', 'y2')], speed: { x: 0.5, x2: 0.5, x3: 0.5 } };
    const { asked, made } = request({ ...world, noise: { x: 100, x2: 50 } });
    expect((await tune(asked)).chosen!.candidate.name).toBe('x3');
    expect(made).toEqual(['x:*', 'y:*', 'x2:*', 'x3:*']);
  });
});

describe('where none does', () => {
  const layers = { a: 0.001, b: 0.5, c: 0.002, d: 0.3, e: 0.0005, f: 0.001 };

  test('exactly the layers that do the damage stay in float', async () => {
    const { asked } = request({ groups: [group('x')], layers });
    const { chosen } = await tune(asked);
    expect([chosen!.trial.met, floatOf(chosen!.trial)]).toEqual([true, ['b', 'd']]);
  });

  test('a layer that is quantized for its neighbours is found by leaving it out', async () => {
    const { asked, made } = request({ groups: [group('x')], layers, between: ['d'] });
    expect(floatOf((await tune(asked)).chosen?.trial)).toEqual(['b', 'd']);
    expect(made).toContain('x:-d');
    expect(made).not.toContain('x:d');
  });

  test('of many, as few as are needed', async () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`l${i}`, i % 3 ? 0.0001 : 0.1]));
    const { chosen } = await tune(request({ groups: [group('x')], layers: many }).asked);
    expect(floatOf(chosen?.trial)).toEqual(
      Object.keys(many)
        .filter((name) => many[name] === 0.1)
        .toSorted(),
    );
  });

  test('a layer whose damage another makes up for is given back', async () => {
    // With p in float, q does no damage; alone q looks worse than p.
    const world = request({ groups: [group('x')], layers: { p: 0.02, q: 0.03, r: 0.001 } });
    const { make } = world.asked;
    const together: TuneRequest['make'] = async (plan) => {
      const found = (await make(plan))!;
      const met = plan.layers.kind === 'without' && plan.float.includes('p');
      return { ...found, met };
    };
    expect(floatOf((await tune({ ...world.asked, make: together })).chosen?.trial)).toEqual(['p']);
  });

  test('the nearest of the fastest kind is the one that layers are taken out of, if it is clearly nearer', async () => {
    const world = { groups: [group('x'), group('y', 'y2')], layers, speed: { x: 1, y: 0.5, y2: 0.5 } };
    const taken = async (noise: Record<string, number>) =>
      (await tune(request({ ...world, noise }).asked)).chosen!.candidate.name;
    expect(await taken({ y: 2, y2: 0.9 })).toBe('y2');
    expect(await taken({ y: 2, y2: 1.5 })).toBe('y');
  });

  test('and no layer can be quantized, nothing is chosen', async () => {
    const { chosen, endedBy, trials } = await tune(request({ groups: [group('x')], layers: { a: 1, b: 1 } }).asked);
    expect([chosen, endedBy]).toEqual([null, null]);
    expect(trials.filter(({ met }) => met)).toEqual([]);
  });
});

describe('bounds', () => {
  const layers = { a: 0.001, b: 0.5, c: 0.002, d: 0.3, e: 0.0005 };

  test('no more trials are made than allowed, and the best of them is taken', async () => {
    const groups = [group('x'), group('y'), group('z')];
    const { asked, made } = request({ groups }, { bounds: { trials: 2, seconds: 100 } });
    const { chosen, endedBy, trials } = await tune(asked);
    expect([made.length, trials.length, endedBy, chosen!.candidate.name]).toEqual([2, 2, 'trials', 'x']);
  });

  test('the clock ends it between trials', async () => {
    let clock = 0;
    const { asked, made } = request({ groups: [group('x')], layers }, { now: () => (clock += 10_000) });
    const { endedBy } = await tune(asked);
    expect(endedBy).toBe('seconds');
    expect(made.length).toBeLessThan(6);
  });

  test('a trial that the time runs out in is none', async () => {
    const { asked } = request({ groups: [group('x')] }, { make: () => Promise.resolve(null) });
    expect(await tune(asked)).toEqual({ trials: [], chosen: null, endedBy: 'seconds' });
  });

  test('where there is no time to rank them all, what is known without a trial goes first', async () => {
    const { asked, made } = request({ groups: [group('x')], layers }, { bounds: { trials: 6, seconds: 100 } });
    const { chosen } = await tune(asked);
    expect(made).toEqual(['x:*', 'x:a', 'x:b', 'x:c', 'x:-b', 'x:-b,c']);
    expect(chosen).toBeNull();
  });

  test('another start makes only what is missing, and comes to the same', async () => {
    const world = { groups: [group('x'), group('y')], layers };
    const whole = await tune(request(world).asked);
    const first = request(world, { bounds: { trials: 5, seconds: 100 } });
    expect((await tune(first.asked)).endedBy).toBe('trials');
    const second = request(world, { earlier: first.recorded() });
    const again = await tune(second.asked);
    expect([again.chosen, again.endedBy]).toEqual([whole.chosen, null]);
    expect(new Set(again.trials)).toEqual(new Set(whole.trials));
    expect(second.made).toHaveLength(whole.trials.length - 5);
    expect(first.made.filter((name) => second.made.includes(name))).toEqual([]);
  });

  test('trials of the start before count', async () => {
    const world = { groups: [group('x'), group('y')], layers };
    const first = request(world, { bounds: { trials: 5, seconds: 100 } });
    await tune(first.asked);
    const second = request(world, { earlier: first.recorded(), bounds: { trials: 5, seconds: 100 } });
    expect((await tune(second.asked)).endedBy).toBe('trials');
    expect(second.made).toEqual([]);
  });
});

/** Observers: a calibrator is a file and a row; here a row is added, used, and taken out again. */
import { expect, onTestFinished, test } from 'vitest';
import type { Batch } from '../../shared/runtime/samples.ts';
import { recipeOf } from '../../shared/quantize/recipe.ts';
import { OBSERVERS } from '../../shared/quantize/observers/index.ts';
import type { Observer } from '../../shared/quantize/observers/observer.ts';
import type { ObserverName } from '../../shared/quantize/observers/index.ts';
import { isFailure } from '../../shared/errors.ts';
import { typedModel } from '../onnx/typed.ts';
import { oneBatch, quantizeAndWrite } from './fixture.ts';

const MODEL = `<ir_version: 10, opset_import: ["": 21]>
g (float[N,2] x) => (float[N,2] y)
<
  float[2,2] w = {1, 0, 0, 1}
>
{
  y = MatMul(x, w)
}`;
const DATA = { x: { shape: [1, 2], values: [-3, 1] } };

/** Twice the mean magnitude in the second round, plus the largest of the first. */
const dummy: Observer = {
  rounds: 2,
  watch() {
    let sum = 0;
    return {
      probes(op, tensor, round) {
        const magnitude = [op.Abs([tensor])];
        return [round === 0 ? op.ReduceMax(magnitude, { keepdims: 0 }) : op.ReduceMean(magnitude, { keepdims: 0 })];
      },
      absorb([value], round) {
        sum += round === 0 ? value![0]! : 2 * value![0]!;
        return true;
      },
      range: () => ({ min: 0, max: sum }),
    };
  },
};

function addDummy(): ObserverName {
  const table = OBSERVERS as Record<string, Observer>;
  table['dummy'] = dummy;
  onTestFinished(() => void delete table['dummy']);
  return 'dummy' as ObserverName;
}

test('a row of the table says its probes, its rounds and the range', async () => {
  const observer = addDummy();
  const calibration = { [Symbol.asyncIterator]: () => oneBatch(DATA) };
  const { model, facts } = await quantizeAndWrite(typedModel(MODEL), { observer, calibration });
  expect(facts.calibration).toMatchObject({ method: 'dummy', samples: 1 });
  const scale = [...model.graph.initializers].find(({ name }) => name === 'x_scale')!;
  // max |x| = 3, 2 * mean |x| = 4: the range 0..7 in 255 steps.
  expect(new Float32Array(Uint8Array.from(await scale.data!.read()).buffer)).toEqual(Float32Array.of(7 / 255));
  expect([...model.graph.nodes].map(({ op }) => op)).toEqual([
    'QuantizeLinear',
    'DequantizeLinear',
    'DequantizeLinear',
    'MatMul',
  ]);
});

test('data that can be read once is refused in the second round', async () => {
  const once: AsyncIterable<Batch> = oneBatch(DATA);
  const failure = await quantizeAndWrite(typedModel(MODEL), { observer: addDummy(), calibration: once }).catch(
    (error: unknown) => error,
  );
  expect(isFailure(failure) && failure.message).toContain('it can be read only once');
});

test("moving average: the range that PyTorch's MovingAverageMinMaxObserver(averaging_constant=0.01) has", () => {
  const watch = OBSERVERS.MovingAverage.watch(recipeOf({}).activations, {});
  const batches = [
    [-3, 1],
    [-1, 2.5],
    [-7, 0.5],
    [0.25, 9],
  ];
  for (const numbers of batches) {
    const [min, max] = [Math.min(...numbers), Math.max(...numbers)];
    expect(
      watch.absorb(
        [[min], [max], [min + max]].map((one) => Float32Array.from(one)),
        0,
      ),
    ).toBe(true);
  }
  expect(watch.range()).toEqual({ min: -2.9874980449676514, max: 1.0897514820098877 });
});

/** Mean squared error of uint8 codes of a range that holds 0, number by number. */
function errorOfCodes(
  numbers: readonly number[],
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const scale = (max - min) / 255;
  const zero = Math.round(-min / scale);
  const read = (x: number): number => (Math.min(255, Math.max(0, Math.round(x / scale) + zero)) - zero) * scale;
  return numbers.reduce((sum, x) => sum + (x - read(x)) ** 2, 0) / numbers.length;
}

test.each(['MSE', 'auto'] as const)('%s: codes of a smaller error than those of all that was seen', (name) => {
  const even = Array.from({ length: 400_000 }, (_, i) => i / 200_000 - 1);
  const numbers = [...even, 3];
  const watch = OBSERVERS[name].watch(recipeOf({}).activations, {});
  watch.absorb(
    [[-1], [3], [3], [0], [numbers.length]].map((one) => Float32Array.from(one)),
    0,
  );
  expect(watch.elements!(1)).toBe(numbers.length);
  watch.absorb([Float32Array.from(numbers)], 1);
  const range = watch.range()!;
  expect(errorOfCodes(numbers, range)).toBeLessThan(0.9 * errorOfCodes(numbers, { min: -1, max: 3 }));
  // The best of eighty upper ends, found by trying.
  const best = Math.min(...Array.from({ length: 80 }, (_, i) => errorOfCodes(numbers, { min: -1, max: 1 + i / 40 })));
  expect(errorOfCodes(numbers, range)).toBeLessThan(1.05 * best);
});

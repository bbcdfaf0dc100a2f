/** State dicts that no quantized model has (`odd-state-dicts.json`, pickled by Python): each ends in a code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../shared/bytes/byte-source.ts';
import { openZip } from '../../../shared/bytes/zip.ts';
import { zipBytes } from '../../../shared/bytes/zip-write.ts';
import { isFailure } from '../../../shared/errors.ts';
import { readQuantizedWeights } from '../../../shared/torch/quantized/read-state-dict.ts';

interface Odd {
  readonly records: Readonly<Record<string, string>>;
  readonly cases: readonly { readonly name: string; readonly hex: string; readonly code: string }[];
}
const ODD = JSON.parse(readFileSync(join(import.meta.dirname, 'odd-state-dicts.json'), 'utf8')) as Odd;

/** Read all of it; the code it ends with, or `ok`. */
async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const { modules } = await readQuantizedWeights(memorySource('odd.pt', bytes));
    for (const { weight, bias } of modules) {
      for (const data of [weight?.codes, weight?.qparams.scale, weight?.qparams.zeroPoint, bias]) await data?.read();
    }
    return 'ok';
  } catch (error) {
    if (!isFailure(error)) throw error;
    return error.code;
  }
}

test.each(ODD.cases)('$name: $code', async ({ hex, code }) => {
  const storages = Object.entries(ODD.records).map(([key, record]): [string, Uint8Array] => [
    `odd/data/${key}`,
    Buffer.from(record, 'hex'),
  ]);
  expect(await outcome(zipBytes([['odd/data.pkl', Buffer.from(hex, 'hex')], ...storages]))).toBe(code);
});

describe('damaged', () => {
  const files = ['inc/digits_cnn-static/best_model.pt', 'quantized-state-dicts/eager-dynamic.pt'];
  const fixture = (file: string): Buffer => readFileSync(join(import.meta.dirname, '../../fixtures', file));

  test.each(files)('%s with bytes of its pickle changed', async (file) => {
    const zip = await openZip(memorySource(file, fixture(file)));
    const records = await Promise.all(
      zip.entries.map(async (entry): Promise<[string, Uint8Array]> => [entry.name, await entry.read()]),
    );
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 400; i++) {
      const changed = records.map(([name, bytes]): [string, Uint8Array] => {
        if (!name.endsWith('.pkl')) return [name, bytes];
        const noisy = new Uint8Array(bytes);
        for (let n = 0; n <= random(3); n++) noisy[random(noisy.length)] = random(256);
        return [name, noisy];
      });
      expect(await outcome(zipBytes(changed))).toEqual(expect.any(String));
    }
  });

  test('cut short', async () => {
    const whole = fixture(files[0]!);
    for (let size = 0; size < whole.length; size += 997) expect(await outcome(whole.subarray(0, size))).not.toBe('ok');
  });
});

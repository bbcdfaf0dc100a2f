/** `recipe: auto` at half a point of top-1: on a transformer, and on a model that two layers break in INT8. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memorySource, type ByteSource } from '../shared/bytes/byte-source.ts';
import { fileSource } from '../shared/bytes/file-source.ts';
import { layersText } from '../shared/report/goal.ts';
import { convertFile } from '../shared/steps/convert-file.ts';
import { tuneFile } from '../shared/steps/tune-file.ts';
import { readNpz, writeNpz } from '../shared/tensor/npz.ts';

const MAX_DROP = 0.005;
const fixture = (path: string): string => join(import.meta.dirname, '../test/fixtures', path);

interface Subject {
  readonly name: string;
  readonly fp32: string;
  readonly calibration: ByteSource;
  readonly test: ByteSource;
}

export async function benchAuto(folder: string): Promise<void> {
  console.log(`recipe auto, at most ${MAX_DROP} of top-1 lost`);
  const two = join(folder, 'two_layers.onnx');
  const program = fileSource(fixture('tuning/two_layers.pt2'));
  await convertFile({ source: program, path: two, options: {}, weights: 'embed' }).finally(() => program.close());
  const { broken } = JSON.parse(readFileSync(fixture('tuning/two_layers.json'), 'utf8')) as { broken: string[] };
  await tuned(folder, {
    name: 'digits_transformer',
    fp32: fixture('quantize/digits_transformer/fp32.onnx'),
    calibration: await renamed('quantize/digits_transformer/data.npz', { x: 'calib' }),
    test: await renamed('inc/digits_transformer.npz', { x: 'x', y: 'y' }),
  });
  await tuned(folder, {
    name: `two_layers (PyTorch: ${broken.join(' and ')} break it)`,
    fp32: two,
    calibration: await renamed('tuning/two_layers.calibration.npz'),
    test: await renamed('tuning/two_layers.test.npz'),
  });
}

async function tuned(folder: string, { name, fp32, calibration, test }: Subject): Promise<void> {
  const { facts } = await tuneFile({
    model: fp32,
    path: join(folder, 'auto.onnx'),
    asked: {},
    weights: 'embed',
    workFolder: folder,
    calibration: { name: calibration.name, source: calibration },
    data: { source: test, labels: 'y' },
    accuracy: { metric: 'top1', max_drop: MAX_DROP },
    now: () => performance.now(),
  });
  const { trials, chosen } = facts.tuning!;
  const { layers, drop } = trials[chosen]!;
  console.log(`${name}: ${trials[chosen]!.name}, layers: ${layersText(layers)}; ${drop} lost, ${trials.length} trials`);
}

/** The arrays of a file in memory; those that are named under other names. */
async function renamed(path: string, names?: Readonly<Record<string, string>>): Promise<ByteSource> {
  const source = fileSource(fixture(path));
  try {
    const arrays = await readNpz(source);
    const wanted = Object.entries(names ?? Object.fromEntries([...arrays.keys()].map((name) => [name, name])));
    return memorySource(path, await writeNpz(wanted.map(([name, from]) => [name, arrays.get(from)!.data] as const)));
  } finally {
    source.close();
  }
}

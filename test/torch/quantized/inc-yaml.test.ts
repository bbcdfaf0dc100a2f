/** best_configure.yaml of Neural Compressor 1.x: files that PyYAML dumped, and some it would not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../shared/bytes/byte-source.ts';
import { type PickleValue, Tuple } from '../../../shared/torch/pickle-values.ts';
import { readConfigureYaml } from '../../../shared/torch/quantized/inc-yaml.ts';
import { readQuantizedWeights } from '../../../shared/torch/quantized/read-state-dict.ts';
import { readTorchSave } from '../../../shared/torch/state-dict.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/inc');
const file = (path: string): Buffer => readFileSync(join(FOLDER, path));
const yaml = (text: string): PickleValue => readConfigureYaml(Buffer.from(text), 'best_configure.yaml');
const pickled = async (path: string): Promise<Map<PickleValue, PickleValue>> =>
  ((await readTorchSave(memorySource(path, file(path)))) as Map<PickleValue, PickleValue>).get('best_configure') as Map<
    PickleValue,
    PickleValue
  >;

/** Dictionaries in no order: PyYAML sorts keys. */
function plain(value: PickleValue): unknown {
  if (value instanceof Tuple) return { tuple: value.items.map(plain) };
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(([key, entry]) => [JSON.stringify(plain(key)), plain(entry)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describe('the same as the pickle in best_model.pt', () => {
  test.each(['ordered', 'plain'])('%s', async (name) => {
    const dumped = readConfigureYaml(file(`yaml/${name}.yaml`), name);
    expect(plain(dumped)).toEqual(plain(await pickled('digits_cnn-static/best_model.pt')));
  });

  test('shared tuples, and values of every kind', async () => {
    const dumped = readConfigureYaml(file('yaml/shared.yaml'), 'shared') as Map<PickleValue, PickleValue>;
    const text = dumped.get('text') as PickleValue[];
    dumped.delete('text');
    expect(plain(dumped)).toEqual(plain(await pickled('token_classifier-qat/best_model.pt')));
    expect(text.slice(0, -1)).toEqual([
      ...["it's", 'yes', 'a: b', '12', 'null', 'tab\t', '', '- x', '# no', 'n\u00e9'],
      ...[1e-5, -3, true, Infinity, [[1, [2]], new Map()]],
    ]);
    expect(plain(text.at(-1)!)).toEqual({ '"a b"': { '"c"': null } });
  });
});

test('weights and record in two files are one model', async () => {
  const record = readConfigureYaml(file('yaml/plain.yaml'), 'best_configure.yaml');
  const two = await readQuantizedWeights(
    memorySource('best_model_weights.pt', file('yaml/best_model_weights.pt')),
    record,
  );
  const one = await readQuantizedWeights(memorySource('best_model.pt', file('digits_cnn-static/best_model.pt')));
  const facts = ({ modules, approach, differences }: typeof one): unknown => ({
    approach,
    differences,
    modules: modules.map(({ module, operator, mode, sources }) => [module, operator, mode, sources]),
  });
  expect(facts(two)).toEqual(facts(one));
});

describe('keys', () => {
  test('an alias is a key', () => {
    expect(plain(yaml('a:\n  ? &id001 !!python/tuple\n  - x\n  - y\n  : 1\nb:\n  *id001 : 2\n'))).toEqual({
      '"a"': { '{"tuple":["x","y"]}': 1 },
      '"b"': { '{"tuple":["x","y"]}': 2 },
    });
  });
});

describe('refused', () => {
  const cases: readonly (readonly [name: string, text: string, code: string])[] = [
    ['a call', 'a: !!python/object/apply:os.system [id]\n', 'CorruptModel'],
    ['a call with a list', "a: !!python/object/apply:os.system\n- 'id'\n", 'UnsafePickle'],
    ['a module', "a: !!python/module:os ''\n", 'UnsafePickle'],
    ['an object', 'a: !!python/object/new:subprocess.Popen\n  args: x\n', 'UnsafePickle'],
    ['an alias without an anchor', 'a: *id001\n', 'CorruptModel'],
    ['an alias inside its own value', 'a: &id001\n- *id001\n', 'CorruptModel'],
    ['a value in flow style', 'a: {b: 1}\n', 'CorruptModel'],
    ['a folded text', 'a: >\n  b\n', 'CorruptModel'],
    ['a line that is no key', 'a: 1\nb\n', 'CorruptModel'],
    ['a line too far left', '  a: 1\nb: 2\n', 'CorruptModel'],
    ['a tuple of a dictionary', 'a: !!python/tuple\n  b: 1\n', 'CorruptModel'],
    ['an ordered dictionary of numbers', 'a: !!python/object/apply:collections.OrderedDict\n- - 1\n', 'CorruptModel'],
    ['lists nested 10,000 deep', `${'- '.repeat(10_000)}1\n`, 'CorruptModel'],
    [
      'dictionaries nested 1,000 deep',
      Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
      'CorruptModel',
    ],
  ];
  test.each(cases)('%s', (_, text, name) => expect(() => yaml(text)).toThrow(expect.objectContaining({ name })));

  test('more than 16 MiB', () =>
    expect(() => readConfigureYaml(Buffer.alloc(17 * 1024 * 1024, ' '), 'x')).toThrow(
      expect.objectContaining({ name: 'LimitExceeded' }),
    ));
});

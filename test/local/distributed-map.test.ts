/** Distributed Map: items, batches, tolerance, results, as the Step Functions guide describes them. */
import { describe, expect, it } from 'vitest';
import { interpret, type Outcome } from '../../local/interpreter.ts';
import type { Json, MapState, StateMachine } from '../../shared/pipeline/machine/asl.ts';
import { memoryFiles } from './memory-files.ts';
import { virtualClock } from './virtual-clock.ts';

// Every item that is, or holds, the text "bad" fails.
const definition = (fields: Partial<Record<keyof MapState, unknown>>): StateMachine => ({
  QueryLanguage: 'JSONata',
  StartAt: 'Before',
  States: {
    Before: { Type: 'Pass', Assign: { outer: 'seen' }, Next: 'All' },
    All: {
      Type: 'Map',
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'IsBad',
        States: {
          IsBad: {
            Type: 'Choice',
            Choices: [{ Condition: '{% $contains($string($states.input), "bad") %}', Next: 'Bad' }],
            Default: 'Good',
          },
          Good: { Type: 'Succeed', Output: { got: '{% $states.input %}' } },
          Bad: { Type: 'Fail', Error: 'BadItem', Cause: '{% $string($states.input) %}' },
        },
      },
      End: true,
      ...fields,
    } as unknown as MapState,
  },
});

const reader = (InputType: string, Key = 'list') => ({
  Resource: 'arn:aws:states:::s3:getObject',
  ReaderConfig: { InputType },
  Arguments: { Bucket: 'in', Key },
});
const listing = {
  Resource: 'arn:aws:states:::s3:listObjectsV2',
  Arguments: { Bucket: 'in', Prefix: '{% $states.input.prefix %}' },
};
const writer = (WriterConfig: unknown) => ({
  Resource: 'arn:aws:states:::s3:putObject',
  Arguments: { Bucket: 'out', Prefix: 'runs/' },
  WriterConfig,
});

const run = (fields: Parameters<typeof definition>[0], input: Json, files = memoryFiles()): Promise<Outcome> =>
  interpret(definition(fields), input, { files, clock: virtualClock(), machineName: 'm' });

const outputs = (outcome: Outcome): Json => (outcome.status === 'SUCCEEDED' ? outcome.output : JSON.stringify(outcome));

describe('items', () => {
  it.each<[string, Parameters<typeof definition>[0], Json, Record<string, string>, Json]>([
    ['from the input', {}, [1, 2], {}, [{ got: 1 }, { got: 2 }]],
    ['from Items', { Items: '{% $states.input.list %}' }, { list: ['a'] }, {}, [{ got: 'a' }]],
    [
      'from a JSON array',
      { ItemReader: reader('JSON') },
      {},
      { 'in/list': '[1,{"a":2}]' },
      [{ got: 1 }, { got: { a: 2 } }],
    ],
    [
      'from JSON lines, empty ones passed over',
      { ItemReader: reader('JSONL') },
      {},
      { 'in/list': '{"a":1}\n\n"b"\r\n' },
      [{ got: { a: 1 } }, { got: 'b' }],
    ],
    [
      'from a listing',
      { ItemReader: listing, ItemSelector: { key: '{% $states.context.Map.Item.Value.Key %}' } },
      { prefix: 'x/' },
      { 'in/x/1': '', 'in/y': '', 'in/x/2': '' },
      [{ got: { key: 'x/1' } }, { got: { key: 'x/2' } }],
    ],
    [
      'only so many',
      { ItemReader: { ...reader('JSON'), ReaderConfig: { InputType: 'JSON', MaxItems: 1 } } },
      {},
      { 'in/list': '[1,2]' },
      [{ got: 1 }],
    ],
    ['none', { ItemReader: listing }, { prefix: 'none/' }, {}, []],
    [
      'selected with parent variables',
      { ItemSelector: { i: '{% $states.context.Map.Item.Index %}', o: '{% $outer %}' } },
      ['a'],
      {},
      [{ got: { i: 0, o: 'seen' } }],
    ],
    [
      'in batches by count',
      { ItemBatcher: { MaxItemsPerBatch: 2, BatchInput: { b: '{% $outer %}' } } },
      [1, 2, 3],
      {},
      [{ got: { BatchInput: { b: 'seen' }, Items: [1, 2] } }, { got: { BatchInput: { b: 'seen' }, Items: [3] } }],
    ],
    [
      'in batches by size',
      { ItemBatcher: { MaxInputBytesPerBatch: 22 } },
      ['aaaa', 'bbbb', 'c'],
      {},
      [{ got: { Items: ['aaaa'] } }, { got: { Items: ['bbbb', 'c'] } }],
    ],
  ])('%s', async (_name, fields, input, texts, expected) => {
    expect(outputs(await run(fields, input, memoryFiles(texts)))).toEqual(expected);
  });

  it.each<[string, Record<string, string>]>([
    ['a file that is not there', {}],
    ['lines that are no JSON', { 'in/list': '{"a":1}\n{' }],
  ])('fails with ItemReaderFailed on %s', async (_name, texts) => {
    expect(await run({ ItemReader: reader('JSONL') }, {}, memoryFiles(texts))).toMatchObject({
      status: 'FAILED',
      error: 'States.ItemReaderFailed',
    });
  });

  it('is no part of a child: it sees no variable of its parent', async () => {
    const machine = definition({});
    const all = machine.States['All'] as MapState;
    const blind = {
      ...machine,
      States: {
        ...machine.States,
        All: {
          ...all,
          ItemProcessor: {
            ...all.ItemProcessor,
            StartAt: 'P',
            States: { P: { Type: 'Succeed', Output: '{% $outer %}' } },
          },
        },
      },
    } as StateMachine;
    expect(await interpret(blind, [1], { clock: virtualClock() })).toMatchObject({
      status: 'FAILED',
      error: 'States.ExceedToleratedFailureThreshold',
    });
  });
});

describe('tolerance', () => {
  const items = ['a', 'bad', 'b', 'c'];
  const WRITER = writer({ Transformation: 'COMPACT', OutputType: 'JSONL' });
  it.each<[string, Record<string, unknown>, 'SUCCEEDED' | 'FAILED']>([
    ['none by default', {}, 'FAILED'],
    ['a share that is enough', { ToleratedFailurePercentage: 25 }, 'SUCCEEDED'],
    ['a share that is not', { ToleratedFailurePercentage: 24 }, 'FAILED'],
    ['a share that is an expression', { ToleratedFailurePercentage: '{% 20 + 5 %}' }, 'SUCCEEDED'],
    ['a count that is enough', { ToleratedFailureCount: 1 }, 'SUCCEEDED'],
    ['a count that is not', { ToleratedFailureCount: 0 }, 'FAILED'],
    ['both must hold', { ToleratedFailureCount: 1, ToleratedFailurePercentage: 10 }, 'FAILED'],
  ])('%s', async (_name, fields, status) => {
    const outcome = await run({ ResultWriter: WRITER, ...fields }, items);
    expect(outcome).toMatchObject(
      status === 'FAILED' ? { status, error: 'States.ExceedToleratedFailureThreshold' } : { status },
    );
  });

  it('stops starting items once too many failed, and lists them as pending', async () => {
    const files = memoryFiles();
    await run({ ResultWriter: WRITER, MaxConcurrency: 1 }, items, files);
    const manifest = JSON.parse([...files.texts].find(([key]) => key.endsWith('manifest.json'))![1]) as {
      ResultFiles: Record<string, { Key: string }[]>;
    };
    const lines = (name: string) => files.texts.get(`out/${manifest.ResultFiles[name]![0]!.Key}`)!.trim().split('\n');
    expect([lines('SUCCEEDED').length, lines('FAILED').length, lines('PENDING').length]).toEqual([1, 1, 2]);
  });
});

describe('results', () => {
  it.each<[string, unknown, string, Json]>([
    [
      'COMPACT',
      { Transformation: 'COMPACT', OutputType: 'JSONL' },
      'SUCCEEDED_0.jsonl',
      [{ got: ['x', 'y'] }, { got: 'a' }],
    ],
    [
      'JSON',
      { Transformation: 'COMPACT', OutputType: 'JSON' },
      'SUCCEEDED_0.json',
      [{ got: ['x', 'y'] }, { got: 'a' }],
    ],
  ])('%s', async (_name, config, file, expected) => {
    const files = memoryFiles();
    const outcome = await run(
      { ResultWriter: writer(config), ToleratedFailurePercentage: 50 },
      [['x', 'y'], 'bad', 'a'],
      files,
    );
    expect(outputs(outcome)).toMatchObject({
      ResultWriterDetails: {
        Bucket: 'out',
        Key: expect.stringMatching(/^runs\/[0-9a-f-]{36}\/manifest\.json$/) as string,
      },
    });
    const [, text] = [...files.texts].find(([key]) => key.endsWith(file))!;
    expect(
      file.endsWith('l')
        ? text
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as Json)
        : JSON.parse(text),
    ).toEqual(expected);
  });

  it('NONE keeps input, output, name and times; failed ones are always whole', async () => {
    const files = memoryFiles();
    await run(
      { ResultWriter: writer({ Transformation: 'NONE', OutputType: 'JSONL' }), ToleratedFailurePercentage: 50 },
      ['a', 'bad'],
      files,
    );
    const row = (name: string): Record<string, unknown> =>
      JSON.parse([...files.texts].find(([key]) => key.includes(name))![1]) as Record<string, unknown>;
    expect(row('SUCCEEDED_0')).toMatchObject({
      Status: 'SUCCEEDED',
      Input: '"a"',
      Output: '{"got":"a"}',
      InputDetails: { Included: true },
      StartDate: '2030-01-01T00:00:00.000Z',
    });
    expect(row('FAILED_0')).toMatchObject({ Status: 'FAILED', Input: '"bad"', Error: 'BadItem', Cause: 'bad' });
  });
});

it('keeps its own history and not that of its items, which are told all the same', async () => {
  const heard: string[] = [];
  const { history } = await interpret(definition({}), ['a', 'b'], {
    clock: virtualClock(),
    onEvent: ({ kind, state }) => void (kind === 'entered' && heard.push(state)),
  });
  expect(history.filter(({ kind }) => kind === 'entered').map(({ state }) => state)).toEqual(['Before', 'All']);
  expect(heard.toSorted()).toEqual(['All', 'Before', 'Good', 'Good', 'IsBad', 'IsBad']);
});

/**
 * An interpreter of the Amazon States Language with JSONata: the machine that deploys is the machine that runs here.
 */
import { createHash, randomUUID } from 'node:crypto';
import jsonata from 'jsonata';
import {
  expressionSource,
  isExpression,
  type Json,
  type StateMachine,
  type Template,
} from '../shared/pipeline/machine/asl.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Bindings, Environment, ExecutionContext, Frame, HistoryEvent, MapFiles, Resource } from './execution.ts';
import { timestamp } from './execution.ts';
import { refuseUnknown } from './known-fields.ts';
import { type Position, runFrom } from './run-machine.ts';
import { StatesError, statesError } from './states-error.ts';
import { type TaskTokens, taskTokens } from './task-tokens.ts';

export interface InterpretOptions {
  readonly resources?: Readonly<Record<string, Resource>>;
  /** Needed by a Distributed Map with an ItemReader or a ResultWriter. */
  readonly files?: MapFiles;
  /** What answers the states that wait for a token. */
  readonly tokens?: TaskTokens;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly onEvent?: (event: HistoryEvent) => void;
  readonly signal?: AbortSignal;
  /** False: a machine of one's own has no limits of time. Default: true. */
  readonly timeouts?: boolean;
  /** Name of the execution; its id is made of it. */
  readonly name?: string;
  readonly machineName?: string;
  /** Go on where an execution of this name and input stopped, as RedriveExecution does. */
  readonly redrive?: Checkpoint;
}

/** Where an execution stopped: the state to enter again, and what there was. */
export interface Checkpoint extends Position {
  readonly variables: Readonly<Record<string, Json>>;
  readonly startMs: number;
  readonly redrives: number;
}

interface Ended {
  readonly startMs: number;
  readonly stopMs: number;
  readonly history: readonly HistoryEvent[];
  readonly name: string;
  readonly checkpoint: Checkpoint;
}

export type Outcome = Ended &
  (
    | { readonly status: 'SUCCEEDED'; readonly output: Json }
    | { readonly status: 'FAILED' | 'TIMED_OUT'; readonly error: string; readonly cause: string }
    | { readonly status: 'ABORTED' }
  );

/** Run a machine to its end. A failure of the machine is an outcome; only a bug in the machine or here is thrown. */
export async function interpret(machine: StateMachine, input: Json, options: InterpretOptions = {}): Promise<Outcome> {
  refuseUnknown(machine);
  const clock = options.clock ?? systemClock;
  const history: HistoryEvent[] = [];
  const name = options.name ?? randomUUID();
  const machineName = options.machineName ?? 'machine';
  const { redrive } = options;
  const startMs = redrive?.startMs ?? clock.now();
  const redrives = redrive ? redrive.redrives + 1 : 0;
  let position: Position = redrive ?? { state: machine.StartAt, input };
  const environment: Environment = {
    resources: options.resources ?? {},
    files: options.files ?? NO_FILES,
    tokens: options.tokens ?? taskTokens(),
    clock,
    random: options.random ?? Math.random,
    timeouts: options.timeouts ?? true,
    onEvent: (event) => {
      history.push(event);
      options.onEvent?.(event);
    },
    onChildEvent: options.onEvent ?? (() => {}),
    evaluate: evaluateTemplate,
  };
  const context: ExecutionContext = {
    Execution: {
      Id: `arn:aws:states:local:000000000000:execution:${machineName}:${name}`,
      Name: name,
      StartTime: timestamp(startMs),
      Input: input,
      RedriveCount: redrives,
    },
    StateMachine: { Id: `arn:aws:states:local:000000000000:stateMachine:${machineName}`, Name: machineName },
  };
  const end = (): Ended => ({
    startMs,
    stopMs: clock.now(),
    history,
    name,
    checkpoint: { state: position.state, input: position.input, variables: frame.variables, startMs, redrives },
  });
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
  const frame: Frame = { environment, context, signal, path: [], variables: { ...redrive?.variables } };
  const late = new StatesError('States.Timeout', `the execution ran longer than ${machine.TimeoutSeconds} s`);
  const timer =
    machine.TimeoutSeconds === undefined || !environment.timeouts
      ? []
      : [clock.sleep(machine.TimeoutSeconds * 1000, signal).then(() => Promise.reject(late))];
  try {
    const output = await Promise.race([
      runFrom(machine, position, { frame, onPosition: (next) => (position = next) }),
      ...timer,
    ]);
    return { status: 'SUCCEEDED', output, ...end() };
  } catch (thrown) {
    if (options.signal?.aborted) return { status: 'ABORTED', ...end() };
    const { name: error, cause } = statesError(thrown);
    return { status: thrown === late ? 'TIMED_OUT' : 'FAILED', error, cause, ...end() };
  } finally {
    ended.abort(new Error('the execution has ended'));
    // The timer rejects now; nobody waits for it any more.
    for (const promise of timer) promise.catch(() => {});
  }
}

const noFiles = (): never => {
  throw new StatesError('States.Runtime', 'this interpreter was given no files to read items from or write results to');
};
const NO_FILES: MapFiles = { read: noFiles, list: noFiles, write: noFiles };

const queryError = (source: string, problem: string): StatesError =>
  new StatesError('States.QueryEvaluationError', `the JSONata expression '${source}' ${problem}`);

const compiled = new Map<string, jsonata.Expression>();

function compile(source: string): jsonata.Expression {
  const known = compiled.get(source);
  if (known) return known;
  try {
    const expression = jsonata(source);
    for (const [name, implementation] of Object.entries(AWS_FUNCTIONS))
      expression.registerFunction(name, implementation);
    compiled.set(source, expression);
    return expression;
  } catch (cause) {
    throw queryError(source, `does not parse: ${(cause as Error).message}`);
  }
}

async function evaluateTemplate(template: Template, bindings: Bindings): Promise<Json> {
  if (typeof template === 'string')
    return isExpression(template) ? evaluateExpression(expressionSource(template), bindings) : template;
  if (Array.isArray(template)) return Promise.all(template.map((item: Template) => evaluateTemplate(item, bindings)));
  if (template !== null && typeof template === 'object') {
    const entries = await Promise.all(
      Object.entries(template).map(
        async ([key, value]) => [key, await evaluateTemplate(value as Template, bindings)] as const,
      ),
    );
    return Object.fromEntries(entries);
  }
  return template;
}

async function evaluateExpression(source: string, { states, variables }: Bindings): Promise<Json> {
  let value: unknown;
  try {
    value = await compile(source).evaluate(undefined, { ...variables, states });
  } catch (thrown) {
    if (thrown instanceof StatesError) throw thrown;
    throw queryError(source, `failed: ${(thrown as Error).message}`);
  }
  if (value === undefined) throw queryError(source, 'returned nothing (undefined)');
  return toJson(value, source);
}

/** A copy without what JSONata hangs on its arrays; anything that is no JSON is refused. */
function toJson(value: unknown, source: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => toJson(item, source));
  if (typeof value === 'object' && !isFunction(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, toJson(item, source)]),
    );
  }
  throw queryError(source, `returned ${typeof value === 'number' ? String(value) : 'a function'}, which is no JSON`);
}

// What JSONata marks its own functions with.
const isFunction = (value: object): boolean => '_jsonata_function' in value || '_jsonata_lambda' in value;

const HASHES: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/** Numbers from 0 up to 1 that depend on the seed only (mulberry32). */
function seeded(seed: number): number {
  let t = (Math.trunc(seed) + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const MAX_RANGE = 1000;

/** What Step Functions adds to JSONata, and the one function it takes away. */
const AWS_FUNCTIONS: Readonly<Record<string, Parameters<jsonata.Expression['registerFunction']>[1]>> = {
  partition: (array: readonly Json[], size: number) => {
    if (!Number.isInteger(size) || size < 1) throw new Error(`$partition: the size is ${size}`);
    return Array.from({ length: Math.ceil(array.length / size) }, (_, i) => array.slice(i * size, (i + 1) * size));
  },
  range: (first: number, last: number, step: number) => {
    const length = Math.floor((last - first) / step) + 1;
    if (!Number.isInteger(step) || step === 0 || length > MAX_RANGE)
      throw new Error(`$range: from ${first} to ${last} by ${step}; at most ${MAX_RANGE} numbers`);
    return Array.from({ length: Math.max(0, length) }, (_, i) => first + i * step);
  },
  hash: (data: string, algorithm: string) => {
    const name = HASHES[algorithm];
    if (name === undefined) throw new Error(`$hash: "${algorithm}" is none of ${Object.keys(HASHES).join(', ')}`);
    return createHash(name).update(data).digest('hex');
  },
  random: (seed?: number) => (seed === undefined ? Math.random() : seeded(seed)),
  uuid: () => randomUUID(),
  parse: (text: string) => JSON.parse(text) as Json,
  eval: () => {
    throw new Error('$eval is not available in Step Functions; use $parse for JSON');
  },
};

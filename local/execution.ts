/**
 * What a running execution carries: its environment, the scopes of its variables, its context object and its history.
 */
import type { Json, Template } from '../shared/pipeline/machine/asl.ts';
import type { Clock } from './clock.ts';
import { StatesError } from './states-error.ts';
import type { TaskTokens } from './task-tokens.ts';

export interface ResourceCall {
  readonly signal: AbortSignal;
  /** Name of the state that calls. */
  readonly state: string;
}

/** One thing a Task can do, by the ARN in `Resource`. Throw a StatesError to choose the error's name and cause. */
export type Resource = (args: Json, call: ResourceCall) => Promise<Json>;

/** What a Distributed Map reads its items from and writes its results to. */
export interface MapFiles {
  read(bucket: string, key: string): Promise<string>;
  list(
    bucket: string,
    prefix: string,
  ): AsyncIterable<{ readonly Key: string; readonly Size: number; readonly ETag: string }>;
  write(bucket: string, key: string, text: string): Promise<void>;
}

export type HistoryEvent = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly state: string;
  readonly type: string;
  /** Indices of the iterations and branches that lead to the state; empty at the top. */
  readonly path: readonly number[];
} & (
  | { readonly kind: 'entered' }
  /** `bytes`: of the output as JSON. */
  | { readonly kind: 'exited'; readonly bytes: number }
  | { readonly kind: 'retried'; readonly error: string; readonly attempt: number; readonly delayMs: number }
  | { readonly kind: 'failed' | 'caught'; readonly error: string; readonly cause: string }
);

export interface Environment {
  readonly resources: Readonly<Record<string, Resource>>;
  readonly files: MapFiles;
  readonly tokens: TaskTokens;
  readonly clock: Clock;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  /** Whether TimeoutSeconds counts. */
  readonly timeouts: boolean;
  readonly onEvent: (event: HistoryEvent) => void;
  /** Of executions inside, which have histories of their own that nobody keeps: a batch may have a million. */
  readonly onChildEvent: (event: HistoryEvent) => void;
  /** Evaluate the expressions in a template. */
  readonly evaluate: (template: Template, bindings: Bindings) => Promise<Json>;
}

export interface States {
  readonly input: Json;
  readonly result?: Json;
  readonly errorOutput?: Json;
  readonly context: Json;
}

export interface Bindings {
  readonly states: States;
  readonly variables: Readonly<Record<string, Json>>;
}

export interface ExecutionContext {
  readonly Execution: {
    readonly Id: string;
    readonly Name: string;
    readonly StartTime: string;
    readonly Input: Json;
    readonly RedriveCount: number;
  };
  readonly StateMachine: { readonly Id: string; readonly Name: string };
  /** Where a state waits for one. */
  readonly Task?: { readonly Token: string };
  readonly Map?: { readonly Item: { readonly Index: number; readonly Value: Json } };
}

/** Where a machine, a branch or an iteration runs. */
export interface Frame {
  readonly environment: Environment;
  readonly context: ExecutionContext;
  readonly signal: AbortSignal;
  readonly path: readonly number[];
  /** Variables of the outer scopes, readable here, and this scope's own, which Assign changes. */
  readonly variables: Record<string, Json>;
}

/** A scope inside: it sees the outer variables as they are now; what it assigns stays its own. */
export const innerFrame = (
  frame: Frame,
  { index, signal, context = frame.context }: { index: number; signal: AbortSignal; context?: ExecutionContext },
): Frame => ({
  ...frame,
  signal,
  context,
  path: [...frame.path, index],
  variables: { ...frame.variables },
});

/** One visit of a state. */
export interface Visit {
  readonly frame: Frame;
  readonly name: string;
  readonly input: Json;
  readonly entered: number;
  retries: number;
}

export const timestamp = (ms: number): string => new Date(ms).toISOString();

/** The template with everything that an expression of this state may name. */
export function evaluate(
  visit: Visit,
  template: Template,
  { context = visit.frame.context, ...more }: { result?: Json; errorOutput?: Json; context?: ExecutionContext } = {},
): Promise<Json> {
  const State = { Name: visit.name, EnteredTime: timestamp(visit.entered), RetryCount: visit.retries };
  const states: States = { input: visit.input, ...more, context: { ...context, State } as unknown as Json };
  return visit.frame.environment.evaluate(template, { states, variables: visit.frame.variables });
}

/** A field that is a number or an expression of one. */
export async function numberField(visit: Visit, field: string, value: number | string): Promise<number> {
  const found = await evaluate(visit, value);
  if (typeof found === 'number' && Number.isFinite(found) && found >= 0) return found;
  throw new StatesError(
    'States.QueryEvaluationError',
    `${visit.name}: ${field} is ${JSON.stringify(found)}, not a number that is at least 0`,
  );
}

/** Of a field of a machine read from a file, say what is missing instead of failing somewhere inside. */
export function stringField(visit: Visit, args: Json, field: string): string {
  const value =
    args !== null && typeof args === 'object' && !Array.isArray(args)
      ? (args as { readonly [key: string]: Json })[field]
      : undefined;
  if (typeof value === 'string') return value;
  throw new StatesError(
    'States.Runtime',
    `${visit.name}: Arguments.${field} is ${JSON.stringify(value)}, not a string`,
  );
}

/**
 * Amazon States Language as types: the JSONata part of it that our machines use and `local/` can run.
 * https://states-language.net
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON value in which any string of the form `{% ... %}` is a JSONata expression. */
export type Template = Json;
/** `{% ... %}`. */
export type Expression = `{% ${string} %}`;

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
}

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Assign?: Template;
  readonly Output?: Template;
}

interface Common {
  readonly Comment?: string;
  readonly Output?: Template;
}

/** Either the next state or the end of the machine. */
type Transition = { readonly Next: string; readonly End?: never } | { readonly End: true; readonly Next?: never };

interface Recoverable {
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
}

export type TaskState = Common &
  Transition &
  Recoverable & {
    readonly Type: 'Task';
    readonly Resource: string;
    readonly Arguments?: Template;
    readonly Assign?: Template;
    readonly TimeoutSeconds?: number | Expression;
    /** Of silence after which what waits for a token fails with States.HeartbeatTimeout. */
    readonly HeartbeatSeconds?: number | Expression;
  };

export type PassState = Common & Transition & { readonly Type: 'Pass'; readonly Assign?: Template };

export type WaitState = Common &
  Transition & {
    readonly Type: 'Wait';
    readonly Seconds?: number | Expression;
    readonly Timestamp?: string;
    readonly Assign?: Template;
  };

export interface ChoiceRule {
  readonly Condition: Expression | boolean;
  readonly Next: string;
  readonly Assign?: Template;
  readonly Output?: Template;
}

export type ChoiceState = Common & {
  readonly Type: 'Choice';
  readonly Choices: readonly ChoiceRule[];
  /** Where to go when no rule holds; absent: the execution fails with States.NoChoiceMatched. */
  readonly Default?: string;
  readonly Assign?: Template;
};

export type ParallelState = Common &
  Transition &
  Recoverable & {
    readonly Type: 'Parallel';
    readonly Branches: readonly Machine[];
    readonly Arguments?: Template;
    readonly Assign?: Template;
  };

export interface ItemReader {
  readonly Resource: string;
  readonly Arguments: Template;
  readonly ReaderConfig?: { readonly InputType?: 'JSON' | 'JSONL'; readonly MaxItems?: number | Expression };
}

export interface ItemBatcher {
  readonly MaxItemsPerBatch?: number | Expression;
  readonly MaxInputBytesPerBatch?: number | Expression;
  readonly BatchInput?: Template;
}

export interface ResultWriter {
  readonly Resource?: string;
  readonly Arguments?: Template;
  readonly WriterConfig?: {
    readonly Transformation: 'NONE' | 'COMPACT' | 'FLATTEN';
    readonly OutputType?: 'JSON' | 'JSONL';
  };
}

/**
 * Items of a Distributed Map at a time, at most:
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const MOST_ITEMS_AT_A_TIME = 10_000;

export type MapState = Common &
  Transition &
  Recoverable & {
    readonly Type: 'Map';
    readonly ItemProcessor: Machine & {
      readonly ProcessorConfig?:
        { readonly Mode: 'INLINE' } | { readonly Mode: 'DISTRIBUTED'; readonly ExecutionType: 'STANDARD' | 'EXPRESS' };
    };
    readonly Label?: string;
    readonly Items?: Template;
    readonly ItemReader?: ItemReader;
    readonly ItemSelector?: Template;
    readonly ItemBatcher?: ItemBatcher;
    readonly ResultWriter?: ResultWriter;
    readonly MaxConcurrency?: number | Expression;
    readonly ToleratedFailurePercentage?: number | Expression;
    readonly ToleratedFailureCount?: number | Expression;
    readonly Assign?: Template;
  };

export interface SucceedState extends Common {
  readonly Type: 'Succeed';
}

export interface FailState {
  readonly Type: 'Fail';
  readonly Comment?: string;
  readonly Error?: string;
  readonly Cause?: string;
}

export type State =
  TaskState | PassState | WaitState | ChoiceState | ParallelState | MapState | SucceedState | FailState;

/** The states of a machine, a branch or an item processor. */
export interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly Comment?: string;
}

export interface StateMachine extends Machine {
  readonly QueryLanguage: 'JSONata';
  readonly TimeoutSeconds?: number;
}

/** Whether a string of a template is an expression; AWS asks for the marks at the very ends. */
export const isExpression = (text: string): text is Expression => text.startsWith('{%') && text.endsWith('%}');
export const expressionSource = (text: string): string => text.slice(2, -2).trim();

/** An expression written over several lines as the one line that every validator of the language takes. */
export const expression = (source: string): Expression => `{% ${source.trim().replace(/\s*\n\s*/g, ' ')} %}`;

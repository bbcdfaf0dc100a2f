/** How many states a job enters, which is what Step Functions bills: found by walking the machine itself. */
import type { Verdict, ReportedStage } from '../../report/report.ts';
import type { Machine, State } from '../machine/asl.ts';
import { batchStateMachine } from '../machine/batch-machine.ts';
import { ferryStateMachine, stateOf } from '../machine/state-machine.ts';
import type { StageName } from '../machine/stages.ts';

export interface JobPath {
  /** What ran. */
  readonly stages: readonly ReportedStage[];
  readonly verdict: Verdict;
  /** The stage that the job failed in; null: in none. */
  readonly failedIn: string | null;
}

/** What is known of a walk: states that were entered, and those that failed. */
interface Steps {
  readonly entered: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
  /** Of the iterations of an inline Map. */
  readonly inside: readonly Steps[];
}

const stateNames = (stages: readonly ReportedStage[]): string[] => stages.map(({ name }) => stateOf(name as StageName));

const stepsOf = (stages: readonly ReportedStage[], inside: readonly Steps[] = []): Steps => ({
  entered: new Set(stateNames(stages)),
  failed: new Set(stateNames(stages.filter(({ status }) => status === 'failed'))),
  inside,
});

/** Retries of a state, and attempts before a redrive, are not seen. */
export function transitionsOf({ stages, verdict, failedIn }: JobPath): number {
  const variants = [...new Set(stages.flatMap(({ variant }) => variant ?? []))];
  const { entered, failed, inside } = stepsOf(
    stages.filter(({ variant }) => variant === null),
    variants.map((name) => stepsOf(stages.filter(({ variant }) => variant === name))),
  );
  return walk(ferryStateMachine(), {
    entered: new Set([...entered, ...(verdict === 'fail' ? ['NotifyFailed'] : [])]),
    // Release always fails: that is how it ends an execution.
    failed: new Set([...failed, 'Release', ...(failedIn === null ? [] : [stateOf(failedIn as StageName)])]),
    inside,
  });
}

/** What each item of a batch enters besides its conversion. */
export function transitionsOfItem(): number {
  const { OverManifest } = batchStateMachine().States;
  if (OverManifest?.Type !== 'Map') throw new Error('the batch machine has no Map over its manifest');
  const convert = Object.keys(OverManifest.ItemProcessor.States).find((name) => name.endsWith('Convert'));
  return walk(OverManifest.ItemProcessor, { entered: new Set([convert!]), failed: new Set(), inside: [] });
}

function walk(machine: Machine, steps: Steps): number {
  let count = 0;
  for (let name: string | undefined = machine.StartAt; name !== undefined;) {
    const state: State = machine.States[name]!;
    count++;
    if (state.Type === 'Map') for (const each of steps.inside) count += walk(state.ItemProcessor, each);
    name = steps.failed.has(name) ? caughtBy(state) : nextOf(state, steps);
  }
  return count;
}

const caughtBy = (state: State): string | undefined => ('Catch' in state ? state.Catch?.[0]?.Next : undefined);

/** Of a choice: what leads to a state that is known to have been entered. */
function nextOf(state: State, { entered }: Steps): string | undefined {
  if (state.Type === 'Choice') return state.Choices.find(({ Next }) => entered.has(Next))?.Next ?? state.Default;
  return 'Next' in state ? state.Next : undefined;
}

/**
 * Which fields of the language the interpreter knows: a machine that uses another is refused before it starts, not half
 * understood.
 */
import type { Machine, State, StateMachine } from '../shared/pipeline/machine/asl.ts';

const EVERY = ['Type', 'Comment', 'QueryLanguage'];
const TRANSITION = ['Next', 'End', 'Output', 'Assign'];
const RECOVERY = ['Retry', 'Catch'];

const FIELDS: Readonly<Record<State['Type'], readonly string[]>> = {
  Task: [...EVERY, ...TRANSITION, ...RECOVERY, 'Resource', 'Arguments', 'TimeoutSeconds', 'HeartbeatSeconds'],
  Pass: [...EVERY, ...TRANSITION],
  Wait: [...EVERY, ...TRANSITION, 'Seconds', 'Timestamp'],
  Choice: [...EVERY, 'Choices', 'Default', 'Output', 'Assign'],
  Succeed: [...EVERY, 'Output'],
  Fail: [...EVERY, 'Error', 'Cause'],
  Parallel: [...EVERY, ...TRANSITION, ...RECOVERY, 'Branches', 'Arguments'],
  Map: [
    ...EVERY,
    ...TRANSITION,
    ...RECOVERY,
    'ItemProcessor',
    'Label',
    'Items',
    'ItemReader',
    'ItemSelector',
    'ItemBatcher',
    'ResultWriter',
    'MaxConcurrency',
    'ToleratedFailurePercentage',
    'ToleratedFailureCount',
  ],
};

export function refuseUnknown(machine: StateMachine): void {
  if (machine.QueryLanguage !== 'JSONata')
    throw new Error('only machines in JSONata can be run here: set "QueryLanguage": "JSONata"');
  checkStates(machine);
}

function checkStates(machine: Machine): void {
  if (!machine.States[machine.StartAt]) throw new Error(`StartAt names "${machine.StartAt}", which is no state`);
  for (const [name, state] of Object.entries(machine.States)) {
    const known: readonly string[] | undefined = FIELDS[state.Type];
    if (!known) throw new Error(`state "${name}" has the type ${String(state.Type)}, which is unknown here`);
    for (const field of Object.keys(state))
      if (!known.includes(field))
        throw new Error(`state "${name}" (${state.Type}) uses "${field}", which cannot be run here`);
    for (const target of targets(state))
      if (!machine.States[target]) throw new Error(`state "${name}" leads to "${target}", which is no state`);
    if (state.Type === 'Map') checkStates(state.ItemProcessor);
    if (state.Type === 'Parallel') state.Branches.forEach(checkStates);
  }
}

function targets(state: State): string[] {
  const next = 'Next' in state && state.Next !== undefined ? [state.Next] : [];
  const caught = 'Catch' in state && state.Catch ? state.Catch.map((catcher) => catcher.Next) : [];
  const chosen =
    state.Type === 'Choice'
      ? [...state.Choices.map((rule) => rule.Next), ...(state.Default === undefined ? [] : [state.Default])]
      : [];
  return [...next, ...caught, ...chosen];
}

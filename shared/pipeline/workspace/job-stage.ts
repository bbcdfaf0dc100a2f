/** A stage of a job: opens the workspace, takes the time, writes the facts down, and lets the typed error out. */
import { asFailure, FerryError } from '../../errors.ts';
import type { Failure } from '../../report/report.ts';
import type { Json } from '../machine/asl.ts';
import { isObject } from '../job/json-reader.ts';
import type { StageFacts, Ticket } from './record.ts';
import type { RunStage, Services } from './services.ts';
import { withoutFolder } from './without-folder.ts';
import { Workspace } from './workspace.ts';

export interface StageWork<T> {
  /** For the report. */
  readonly facts: T;
  /** For the next state: small. */
  readonly output: Json;
}

type Work<T> = (
  workspace: Workspace,
  input: Readonly<Record<string, Json>>,
  services: Services,
) => Promise<StageWork<T>>;

export function jobStage<T>(stage: string, work: Work<T>): RunStage {
  return async (input, services) => {
    const given = fieldsOf(input);
    const workspace = await Workspace.open(ticketOf(given['job']), services);
    const variant = isObject(given['variant']) ? String(given['variant']['name']) : null;
    const started = services.now();
    const write = (ending: Pick<StageFacts<T>, 'failure' | 'facts'>): Promise<void> =>
      workspace.writeFacts({ stage, variant, started, ended: services.now(), ...ending });
    try {
      const { facts, output } = await work(workspace, given, services);
      await write({ failure: null, facts });
      return output;
    } catch (thrown) {
      const error = withoutFolder(asFailure(thrown), workspace.folder);
      // Whatever happens to the record, the error that is seen is the one that happened first.
      const failure = failureOf(error, stage);
      await write({ failure, facts: null }).catch((cause: unknown) =>
        services.log('the failure could not be written down', { cause: String(cause) }),
      );
      throw error;
    } finally {
      await workspace.close();
    }
  };
}

/** The fields of a payload; it is made by our own state machine. */
export const fieldsOf = (input: Json): Readonly<Record<string, Json>> =>
  isObject(input) ? (input as Readonly<Record<string, Json>>) : {};

export function ticketOf(value: Json | undefined): Ticket {
  const { id, work, claim } = fieldsOf(value ?? null);
  if (typeof id !== 'string' || typeof work !== 'string')
    throw new Error(`the payload carries no job: ${JSON.stringify(value)}`);
  return { id, work, claim: typeof claim === 'string' ? claim : null };
}

export const failureOf = (error: unknown, stage: string): Failure =>
  error instanceof FerryError
    ? { code: error.code, message: error.message, stage, details: error.details }
    : {
        code: error instanceof Error ? error.name : 'Error',
        message: error instanceof Error ? error.message : String(error),
        stage,
        details: null,
      };

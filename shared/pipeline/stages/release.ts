/**
 * Release: what failed gives its job back and fails the execution with the code of the job. When the execution is
 * redriven, it takes the job again.
 */
import { fail } from '../../errors.ts';
import type { Json } from '../machine/asl.ts';
import { failureOfCaught } from '../report/failures.ts';
import type { CaughtFailure } from '../report/job-facts.ts';
import { type Claim, giveBack, hashOfClaim, takeClaim } from '../workspace/claims.ts';
import { fieldsOf, ticketOf } from '../workspace/job-stage.ts';
import type { Ticket } from '../workspace/record.ts';
import { readText } from '../workspace/read-object.ts';
import type { RunStage, Services } from '../workspace/services.ts';

export const run: RunStage = async (input, services) => {
  const { job, execution, failure, message, redriven } = fieldsOf(input);
  const ticket = job ? ticketOf(job) : null;
  if (redriven === true) return { job: ticket?.claim ? await takeBack(ticket, String(execution), services) : null };
  // Made by the state machine's own Catch.
  const caught = failureOfCaught(failure as unknown as CaughtFailure);
  const said = typeof message === 'string' ? message : caught.message;
  if (ticket?.claim) {
    await giveBack(
      services.store,
      { work: ticket.work, key: ticket.claim },
      { status: 'failed', ended: new Date(services.now()).toISOString(), code: caught.code, message: said },
    );
  }
  throw new JobFailed(caught.code, said);
};

/** Carries the name of what failed, whatever it was, out of the machine. */
class JobFailed extends Error {
  constructor(code: string, message: string) {
    super(message);
    this.name = code;
    // Lambda puts the stack into the cause of the execution; where this was thrown is no news.
    this.stack = `${code}: ${message}`;
  }
}

async function takeBack({ id, work, claim: key }: Ticket, execution: string, { store, now }: Services): Promise<Json> {
  const before = JSON.parse(await readText(store, { bucket: work, key: key! })) as Claim;
  const held = await takeClaim(
    store,
    { work, hash: hashOfClaim(key!) },
    {
      mine: { ...before, execution, created: new Date(now()).toISOString() },
      mayTakeOver: false,
      replaces: null,
    },
  );
  return held === null ? fail('JobTakenOver', { job: id }) : { id, work, claim: held.key };
}

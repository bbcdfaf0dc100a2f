/** Functions that end in the middle of their work. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployment } from './cloud.ts';

/** Processes of a function of this deployment: the emulator runs each environment as one. */
function processesOf(functionName: string): number[] {
  const wanted = [`AWS_LAMBDA_FUNCTION_NAME=Torchferry-${functionName}`, `AWS_ENDPOINT_URL=${deployment!.endpoint}\0`];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const environment = `${readFileSync(`/proc/${pid}/environ`, 'utf8')}\0`;
        return wanted.every((variable) => environment.includes(variable));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Kill whatever runs a function until something holds; how many processes that were. */
export async function killUntil(functionName: string, done: () => Promise<boolean>): Promise<number> {
  let killed = 0;
  while (!(await done())) {
    for (const pid of processesOf(functionName)) {
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // It has ended by itself.
      }
    }
    await sleep(50);
  }
  return killed;
}

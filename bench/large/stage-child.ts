/** Runs one stage as it is bundled for Lambda, alone in its process: what it answers, how long it takes, its memory. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface StageRun {
  readonly output: unknown;
  readonly ms: number;
  /** From the start of the process to the answer. */
  readonly sinceStart: number;
  /** Milliseconds of processor time until then. */
  readonly processorMs: number;
  /** Peak of the resident set, in bytes. */
  readonly memory: number;
  /** Peak of what of it is no file: the system cannot take it back. Looked at every 50 ms; 0 where there is no /proc. */
  readonly anonymous: number;
}

type Handler = (input: unknown, context: object) => Promise<unknown>;

const STATUS = '/proc/self/status';
const [folder = '', input = ''] = process.argv.slice(2);
const context = { getRemainingTimeInMillis: () => 900_000, functionName: 'bench', awsRequestId: 'bench' };
let anonymous = 0;
const look = (): void => {
  const [, kB = 0] = /^RssAnon:\s+(\d+)/m.exec(existsSync(STATUS) ? readFileSync(STATUS, 'utf8') : '') ?? [];
  anonymous = Math.max(anonymous, Number(kB) * 1024);
};
setInterval(look, 50).unref();
const began = performance.now();
const { handler } = (await import(pathToFileURL(join(folder, 'index.mjs')).href)) as { readonly handler: Handler };
const output = await handler(JSON.parse(input), context);
const sinceStart = performance.now();
const { user, system } = process.cpuUsage();
look();
const run: StageRun = {
  output,
  ms: sinceStart - began,
  sinceStart,
  processorMs: (user + system) / 1000,
  memory: process.resourceUsage().maxRSS * 1024,
  anonymous,
};
process.send?.(run);

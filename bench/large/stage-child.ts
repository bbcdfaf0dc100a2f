/** Runs one stage as it is bundled for Lambda, alone in its process: what it answers, how long it takes, its memory. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface StageRun {
  readonly output: unknown;
  readonly ms: number;
  /** Peak of the resident set, in bytes. */
  readonly memory: number;
}

type Handler = (input: unknown, context: object) => Promise<unknown>;

const [folder = '', input = ''] = process.argv.slice(2);
const context = { getRemainingTimeInMillis: () => 900_000, functionName: 'bench', awsRequestId: 'bench' };
const began = performance.now();
const { handler } = (await import(pathToFileURL(join(folder, 'index.mjs')).href)) as { readonly handler: Handler };
const output = await handler(JSON.parse(input), context);
const run: StageRun = {
  output,
  ms: performance.now() - began,
  memory: process.resourceUsage().maxRSS * 1024,
};
process.send?.(run);

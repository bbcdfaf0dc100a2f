/** What happens, as server-sent events: all runs at first, so that a page that was reloaded is true, then every change. */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { runCard, runList, saying } from './page/run-card.ts';
import type { Run } from './run.ts';
import type { Runs } from './runs.ts';

// Shorter than what closes a connection that seems idle.
const BEAT_MS = 15_000;

export const events = (c: Context, runs: Runs): Response =>
  streamSSE(c, async (stream) => {
    let last: Promise<void> = Promise.resolve();
    const send = (event: string, data: unknown): void => {
      last = last.then(() => stream.writeSSE({ event, data: JSON.stringify(data) })).catch(() => stream.abort());
    };
    const forget = runs.watch((run: Run) =>
      send('run', { id: run.id, html: String(runCard(run)), says: saying(run), status: run.status }),
    );
    const beat = setInterval(() => send('beat', null), BEAT_MS);
    try {
      send('runs', { html: String(runList(runs.all())) });
      await new Promise<void>((resolve) => stream.onAbort(resolve));
    } finally {
      clearInterval(beat);
      forget();
      await last;
    }
  });

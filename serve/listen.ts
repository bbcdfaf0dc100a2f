/** The server on this machine's loopback address: nobody else can reach it. */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { withFolderLock } from '../local/folder-lock.ts';
import { fail } from '../shared/errors.ts';
import { makeApp } from './app.ts';
import { makeRuns, type RunsOptions } from './runs.ts';

export interface ServeOptions extends RunsOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Called with the address when it can be opened. */
  readonly onReady: (url: string) => void;
}

const HOST = '127.0.0.1';

/** Serves until the signal fires; then what runs is stopped and its end waited for. */
export async function listen({ port, onReady, ...options }: ServeOptions): Promise<void> {
  const { root, signal } = options;
  await mkdir(root, { recursive: true });
  await withFolderLock(root, async () => {
    const runs = await makeRuns(options);
    const server = createAdaptorServer({ fetch: makeApp(runs).fetch }) as Server;
    server.listen(port, HOST);
    await once(server, 'listening').catch((cause: NodeJS.ErrnoException) =>
      fail('BadOption', { option: '--port', value: `${port}`, expected: `a port that is free (${cause.code})` }, cause),
    );
    try {
      onReady(`http://${HOST}:${(server.address() as AddressInfo).port}/`);
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      const closed = once(server, 'close');
      server.close();
      // Pages keep their stream of events open for ever.
      server.closeAllConnections();
      await closed;
      await runs.ended();
    }
  });
}

/** A server on a free port with its runs in a temporary folder: for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen, type ServeOptions } from '../../serve/listen.ts';

export interface TestServer {
  readonly url: string;
  readonly root: string;
  end(): Promise<void>;
}

export async function startServer(more: Partial<ServeOptions> = {}): Promise<TestServer> {
  const root = more.root ?? (await mkdtemp(join(tmpdir(), 'serve-')));
  const stop = new AbortController();
  let served: Promise<void> = Promise.resolve();
  const url = await new Promise<string>((resolve, reject) => {
    const limits = { fileBytes: 1e6, files: 10 };
    served = listen({ port: 0, limits, ...more, root, signal: stop.signal, onReady: resolve });
    served.catch(reject);
  });
  const end = async (): Promise<void> => {
    stop.abort();
    await served;
    if (more.root === undefined) await rm(root, { recursive: true });
  };
  return { url, root, end };
}

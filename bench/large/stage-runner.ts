/** The bundled stages against the counting S3, each run in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { bundle } from '../../infra/bundle.ts';
import type { StageName } from '../../shared/pipeline/machine/stages.ts';
import type { Counts } from './s3-server.ts';
import type { StageRun } from './stage-child.ts';

export interface CountedRun extends StageRun {
  readonly counts: Counts;
}

const CHILD = fileURLToPath(new URL('stage-child.ts', import.meta.url));

export class StageRunner {
  readonly #folder: string;
  readonly #server: ChildProcess;
  readonly #url: string;
  readonly #bundled = new Set<StageName>();

  private constructor(folder: string, server: ChildProcess, url: string) {
    this.#folder = folder;
    this.#server = server;
    this.#url = url;
  }

  /** Bundles and uploads go into `folder`. */
  static async start(folder: string): Promise<StageRunner> {
    // Without types, whose removal would count as the start of a stage.
    buildSync({ entryPoints: [CHILD], outfile: join(folder, 'child.mjs'), format: 'esm', platform: 'node' });
    const server = fork(new URL('s3-server.ts', import.meta.url), [join(folder, 'objects')]);
    const [port] = (await once(server, 'message')) as [number];
    return new StageRunner(folder, server, `http://127.0.0.1:${port}`);
  }

  stop(): void {
    this.#server.kill();
  }

  async #ask<T>(question: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
    const answer = await fetch(`${this.#url}/~${question}?${new URLSearchParams(query).toString()}`);
    return (await answer.json()) as T;
  }

  /** A file of this machine becomes the object `bucket/key`. */
  async adopt(name: string, file: string): Promise<void> {
    await this.#ask('adopt', { name, file });
  }

  /** Forget all objects. */
  async clear(): Promise<void> {
    await this.#ask('clear');
  }

  async run(stage: StageName, input: object): Promise<CountedRun> {
    const folder = join(this.#folder, stage);
    if (!this.#bundled.has(stage)) bundle(stage, folder, process.arch === 'arm64' ? 'arm64' : 'x64');
    this.#bundled.add(stage);
    await this.#ask('counts');
    const child = fork(join(this.#folder, 'child.mjs'), [folder, JSON.stringify(input)], {
      env: {
        PATH: process.env['PATH'],
        TMPDIR: this.#folder,
        AWS_ENDPOINT_URL_S3: this.#url,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'bench',
        AWS_SECRET_ACCESS_KEY: 'bench',
        POWERTOOLS_LOG_LEVEL: 'SILENT',
        POWERTOOLS_METRICS_NAMESPACE: 'bench',
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit');
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [StageRun | number];
    await ended;
    if (typeof message !== 'object') throw new Error(`the ${stage} stage ended with ${message} and no answer`);
    return { ...message, counts: await this.#ask<Counts>('counts') };
  }
}

/** The store's contract, kept with a second S3 that is not ours: moto's, which needs no deployment. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { s3Client } from '../../functions/s3-client.ts';
import { emptyBuckets } from './empty-buckets.ts';
import { freePort, PYTHON } from './python.ts';
import { s3Store } from '../../functions/s3-store.ts';
import { storeContract, type StoreUnderTest } from '../pipeline/store.contract.ts';
import { test } from 'vitest';

/** Answers with a page of HTML. */
const CANNOT = ['tab\tand\nnewline'];
const hasMoto = spawnSync(PYTHON, ['-c', 'import moto.server'], { encoding: 'utf8' }).status === 0;

async function startMoto(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server: ChildProcess = spawn(PYTHON, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  });
  const stop = async (): Promise<void> => {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  for (let tries = 0; tries < 120 && server.exitCode === null; tries++) {
    if (await fetch(`${url}/moto-api/`).catch(() => null)) return { url, stop };
    await sleep(500);
  }
  await stop();
  throw new Error('moto does not answer');
}

if (!hasMoto) {
  console.warn(`SKIPPED: ${PYTHON} has no moto (V/bin/pip install 'moto[server,s3]==5.2.5'): its S3 was not tried`);
  test.skip('the contract of the store, because there is no moto', () => {});
} else
  for (const versioned of [true, false]) {
    const make = async (): Promise<StoreUnderTest> => {
      const { url, stop } = await startMoto();
      const client = s3Client({
        endpoint: url,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      });
      const close = async (): Promise<void> => {
        client.destroy();
        await stop();
      };
      return { store: s3Store(client), buckets: await emptyBuckets(client, { versioned }), close };
    };
    storeContract(`S3 of moto, ${versioned ? 'versioned' : 'not versioned'},`, make, { cannot: CANNOT });
  }

/** What docs/aws.md says of the end: everything goes but the buckets, with all that is in them. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { deployment, inputBucket, keysBelow, outputBucket, states, upload, workBucket } from './cloud.ts';

const CDK = join(import.meta.dirname, '../../node_modules/.bin/cdk');

describe.skipIf(!deployment)('tearing down', () => {
  test('deletes functions and machines, and keeps buckets with what is in them', async () => {
    await upload('kept/model.txt', 'not to be lost');
    const args = ['destroy', '--all', '--force', '--app', dirname(deployment!.templateFile)];
    const done = spawnSync(CDK, args, { encoding: 'utf8', timeout: 300_000 });
    expect(done.status, done.stderr).toBe(0);
    const { Functions = [] } = await new LambdaClient({}).send(new ListFunctionsCommand({}));
    expect(Functions.map(({ FunctionName }) => FunctionName)).toEqual([]);
    expect((await states.send(new ListStateMachinesCommand({}))).stateMachines).toEqual([]);
    expect(await keysBelow(inputBucket(), 'kept/')).toEqual(['kept/model.txt']);
    for (const bucket of [outputBucket(), workBucket()]) expect(await keysBelow(bucket, '')).toBeInstanceOf(Array);
  });
});

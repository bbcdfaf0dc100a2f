/** What the tests do with the deployment: upload, start, wait, read. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  paginateListExecutions,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { inject } from 'vitest';
import type { Deployment } from './deployment.ts';

export const deployment = inject('deployment');

export const s3 = new S3Client({ forcePathStyle: true });
export const states = new SFNClient({});

const deployed = (): Deployment => {
  if (!deployment) throw new Error('nothing is deployed');
  return deployment;
};
export const output = (name: string): string => deployed().outputs[name]!;
export const inputBucket = (): string => output('InputBucketName');
export const outputBucket = (): string => output('OutputBucketName');
export const workBucket = (): string => output('WorkBucketName');
export const conversion = (): string => output('ConversionStateMachineArn');

export const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

export const upload = (key: string, body: Uint8Array | string): Promise<unknown> =>
  s3.send(new PutObjectCommand({ Bucket: inputBucket(), Key: key, Body: body }));

export async function readText(bucket: string, key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Body!.transformToString();
}
export const readJson = async <T = Record<string, unknown>>(bucket: string, key: string): Promise<T> =>
  JSON.parse(await readText(bucket, key)) as T;

export async function keysBelow(bucket: string, prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  return Contents.map(({ Key }) => Key!);
}

export async function start(input: object, name?: string): Promise<string> {
  const { executionArn } = await states.send(
    new StartExecutionCommand({
      stateMachineArn: conversion(),
      input: JSON.stringify(input),
      ...(name ? { name } : {}),
    }),
  );
  return executionArn!;
}

/** How an execution ended. */
export async function ended(executionArn: string): Promise<DescribeExecutionCommandOutput> {
  for (;;) {
    const described = await states.send(new DescribeExecutionCommand({ executionArn }));
    if (described.status !== 'RUNNING') return described;
    await sleep(500);
  }
}

/** Executions of a machine about a key (or any), as they end. */
export async function executionsOf(key: string, least: number): Promise<DescribeExecutionCommandOutput[]> {
  for (;;) {
    const found: DescribeExecutionCommandOutput[] = [];
    for await (const page of paginateListExecutions({ client: states }, { stateMachineArn: conversion() }))
      for (const { executionArn } of page.executions ?? []) {
        const described = await states.send(new DescribeExecutionCommand({ executionArn }));
        if (isAbout(described.input, key)) found.push(described);
      }
    if (found.length >= least && found.every(({ status }) => status !== 'RUNNING')) return found;
    await sleep(1000);
  }
}

interface Asked {
  readonly key?: string;
  readonly detail?: { readonly object?: { readonly key?: string } };
}
const isAbout = (input: string | undefined, key: string): boolean => {
  const asked = JSON.parse(input ?? '{}') as Asked;
  return (asked.key ?? asked.detail?.object?.key) === key;
};

/** Where results of a model lie: its key without the extension. */
export const resultsOf = (key: string): string => key.replace(/\.[^./]+$/, '');
export const latestOf = (key: string): Promise<Record<string, unknown>> =>
  readJson(outputBucket(), `${resultsOf(key)}/latest.json`);

/** What is told of an execution: nothing but its status where it succeeded. */
export const outcomeOf = ({ status, error, cause }: DescribeExecutionCommandOutput): object =>
  status === 'SUCCEEDED' ? { status } : { status, error, cause };

/** `each` of them, so many at a time. */
export async function inBatches<T>(
  items: readonly T[],
  width: number,
  each: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    while (left.length > 0) await each(left.shift()!);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** S3 as whoever starts this process may use it. */
import { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from '../shared/pipeline/workspace/store.ts';
import { s3Store } from './s3-store.ts';

export const defaultStore = (): ObjectStore => s3Store(new S3Client({ maxAttempts: 6 }));

/** S3 as whoever starts this process may use it. */
import type { ObjectStore } from '../shared/pipeline/workspace/store.ts';
import { s3Client } from './s3-client.ts';
import { s3Store } from './s3-store.ts';

export const defaultStore = (): ObjectStore => s3Store(s3Client());

/** S3 as an ObjectStore: the one door between the stages and AWS. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { fail } from '../shared/errors.ts';
import { checkKey, type ObjectInfo, type ObjectStore, type Put } from '../shared/pipeline/workspace/store.ts';
import {
  asStorageFailure,
  type Doing,
  isBadVersion,
  isConditionConflict,
  isConditionFailed,
  isMissing,
} from './s3-error.ts';
import { assemble, copies, hexOf } from './s3-assembly.ts';
import { type PinnedObject, s3Source, s3Url } from './s3-source.ts';

const MAX_PARTS = 10_000;
const PART_BYTES = 16 * 2 ** 20;
const UPLOAD_LANES = 4;
const CONFLICT_ATTEMPTS = 8;

/** Every error of S3 comes out typed: AccessDenied, StorageUnavailable or StorageRefused. */
export function s3Store(client: S3Client): ObjectStore {
  const { open, read, head, putFile, putBytes, putIfAbsent, tag, tagsOf, list, assemble } = bareStore(client);
  const at = (bucket: string, key: string, doing: Doing['doing']): Doing => ({ file: s3Url({ bucket, key }), doing });
  return {
    open: (bucket, key, version) => typed(at(bucket, key, 'read'), open(bucket, key, version)),
    read: (bucket, key) => typed(at(bucket, key, 'read'), read(bucket, key)),
    head: (bucket, key, version) => typed(at(bucket, key, 'read'), head(bucket, key, version)),
    putFile: (object) => typed(at(object.bucket, object.key, 'write'), putFile(object)),
    putBytes: (object) => typed(at(object.bucket, object.key, 'write'), putBytes(object)),
    putIfAbsent: (bucket, key, bytes) => typed(at(bucket, key, 'write'), putIfAbsent(bucket, key, bytes)),
    tag: (object) => typed(at(object.bucket, object.key, 'write'), tag(object)),
    tagsOf: (bucket, key, version) => typed(at(bucket, key, 'read'), tagsOf(bucket, key, version)),
    copies,
    async assemble(object) {
      const doing = at(object.bucket, object.key, 'write');
      const assembled = await typed(doing, assemble(object));
      return { ...assembled, publish: () => typed(doing, assembled.publish()) };
    },
    async *list(bucket, prefix) {
      try {
        yield* list(bucket, prefix);
      } catch (error) {
        throw asStorageFailure(error, at(bucket, prefix, 'list'));
      }
    },
  };
}

const typed = <T>(doing: Doing, answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    throw asStorageFailure(error, doing);
  });

function bareStore(client: S3Client): Omit<Required<ObjectStore>, 'copies' | 'localPath' | 'leadsOut'> {
  const find = async (bucket: string, key: string, version?: string): Promise<PinnedObject | null> => {
    try {
      const head = await client.send(
        new HeadObjectCommand({
          Bucket: bucket,
          Key: checkKey(key),
          ChecksumMode: 'ENABLED',
          ...selectVersion(version),
        }),
      );
      return {
        bucket,
        key,
        size: head.ContentLength ?? 0,
        etag: head.ETag ?? '',
        versionId: givenVersion(head.VersionId),
        sha256: hexOf(head.ChecksumSHA256),
      };
    } catch (cause) {
      if (isMissing(cause) || (version !== undefined && (isBadVersion(cause) || isConditionFailed(cause)))) return null;
      throw cause;
    }
  };

  return {
    async open(bucket, key, version) {
      const object = await find(bucket, key, version);
      if (!object) return fail('FileNotFound', { file: s3Url({ bucket, key }) });
      const { sha256, versionId, etag } = object;
      // The very same object, so that slices find their root in it.
      return Object.assign(s3Source(client, object), { content: { sha256, version: versionOf(versionId, etag) } });
    },

    async read(bucket, key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: checkKey(key) }));
        return (await Body?.transformToByteArray()) ?? new Uint8Array();
      } catch (cause) {
        if (isMissing(cause)) return null;
        if (cause instanceof S3ServiceException) throw cause;
        // The SDK retries a request but never a body: one that broke off is read as large objects are.
        return (await find(bucket, key).then((object) => object && s3Source(client, object)))?.read() ?? null;
      }
    },

    async head(bucket, key, version) {
      const object = await find(bucket, key, version);
      return object && { key, size: object.size, version: versionOf(object.versionId, object.etag) };
    },

    async putFile({ bucket, key, path, ...options }) {
      const { size } = await stat(path);
      const upload = new Upload({
        client,
        params: {
          Bucket: bucket,
          Key: checkKey(key),
          Body: createReadStream(path, { highWaterMark: 2 ** 20 }),
          ContentLength: size,
          ...described(options),
        },
        partSize: Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS)),
        queueSize: UPLOAD_LANES,
      });
      const { VersionId, ETag } = await upload.done();
      return { key, size, version: versionOf(VersionId, ETag) };
    },

    assemble: ({ bucket, key, contentType, tags, ...assembly }) =>
      assemble(client, { Bucket: bucket, Key: checkKey(key), ...described({ contentType, tags }) }, assembly),

    async putBytes({ bucket, key, bytes, ...options }) {
      const { VersionId, ETag } = await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: checkKey(key), Body: bytes, ...described(options) }),
      );
      return { key, size: bytes.byteLength, version: versionOf(VersionId, ETag) };
    },

    async putIfAbsent(bucket, key, bytes) {
      for (let attempt = 1; ; attempt++) {
        try {
          await client.send(
            new PutObjectCommand({ Bucket: bucket, Key: checkKey(key), Body: bytes, IfNoneMatch: '*' }),
          );
          return true;
        } catch (cause) {
          if (isConditionFailed(cause)) return false;
          if (!isConditionConflict(cause) || attempt === CONFLICT_ATTEMPTS) throw cause;
          await sleep(Math.random() * 20 * 2 ** attempt);
        }
      }
    },

    async tag({ bucket, key, tags }) {
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await client.send(new PutObjectTaggingCommand({ Bucket: bucket, Key: checkKey(key), Tagging: { TagSet } }));
    },

    async tagsOf(bucket, key, version) {
      // Tags are asked for by version id only; where there are no versions there is one object.
      const { VersionId } = selectVersion(version);
      const object = { Bucket: bucket, Key: checkKey(key), ...(VersionId === undefined ? {} : { VersionId }) };
      try {
        const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(object));
        return Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]));
      } catch (cause) {
        if (isMissing(cause) || isBadVersion(cause)) return null;
        throw cause;
      }
    },

    async *list(bucket, prefix) {
      // Keys may hold characters that XML cannot: they are asked for URL-encoded.
      const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix, EncodingType: 'url' });
      for await (const page of pages) {
        for (const { Key, Size, ETag } of page.Contents ?? []) {
          yield {
            key: decodeKey(Key ?? ''),
            size: Size ?? 0,
            version: versionOf(undefined, ETag),
          } satisfies ObjectInfo;
        }
      }
    },
  };
}

const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));

interface Description {
  readonly contentType: string;
  readonly tags?: Put['tags'] | undefined;
}

const described = ({ contentType, tags }: Description): { ContentType: string; Tagging?: string } => ({
  ContentType: contentType,
  ...(tags ? { Tagging: new URLSearchParams(tags).toString() } : {}),
});

// Objects from before a bucket was versioned have the version "null", which the next upload replaces: their ETag tells
// more.
const givenVersion = (id: string | undefined): string | undefined => (id === 'null' ? undefined : id);

const versionOf = (id: string | undefined, etag: string | undefined): string =>
  givenVersion(id) ?? (etag ?? '').replaceAll('"', '');

/** A version is what `versionOf` gave or an S3 event said: a version id, or the ETag where there are no versions. */
const selectVersion = (version: string | undefined): { VersionId?: string; IfMatch?: string } =>
  version === undefined
    ? {}
    : /^"?[0-9a-f]{32}(-\d+)?"?$/.test(version)
      ? { IfMatch: `"${version.replaceAll('"', '')}"` }
      : { VersionId: version };

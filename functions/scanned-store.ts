/**
 * Nothing is read that GuardDuty has not found clean: a store in front of S3's that asks for the tag of the scan first,
 * of everything in the bucket of uploads.
 * https://docs.aws.amazon.com/guardduty/latest/ug/monitoring-malware-protection-s3-scans-gdu.html
 */
import { fail } from '../shared/errors.ts';
import type { ObjectStore } from '../shared/pipeline/workspace/store.ts';

export const SCAN_TAG = 'GuardDutyMalwareScanStatus';

/** Why it was not scanned, and what to do. */
const NOT_SCANNED: Readonly<Record<string, string>> = {
  UNSUPPORTED: 'it is encrypted, or larger than GuardDuty takes (100 GB, or 10,000 files in an archive)',
  ACCESS_DENIED: 'the role of the scan may not read it; look at the policies of the bucket and its key',
  FAILED: 'the scan itself failed; upload it again',
};

/** A store that keeps no tags has nothing that was scanned. */
export function scannedStore(store: ObjectStore, bucket: string): ObjectStore {
  const requireClean = async (from: string, key: string, version?: string): Promise<void> => {
    if (from !== bucket) return;
    const tags = (await store.tagsOf?.(from, key, version)) ?? null;
    // Where there is no such object, whoever asks is told so.
    if (tags) judge(key, tags[SCAN_TAG]);
  };
  return {
    ...store,
    async open(from, key, version) {
      await requireClean(from, key, version);
      return store.open(from, key, version);
    },
    async read(from, key) {
      await requireClean(from, key);
      return store.read(from, key);
    },
    // Not for what it tells, but because S3 denies it of what is infected, and would not say why.
    async head(from, key, version) {
      await requireClean(from, key, version);
      return store.head(from, key, version);
    },
  };
}

function judge(file: string, status: string | undefined): void {
  if (status === 'NO_THREATS_FOUND') return;
  if (status === undefined) fail('ScanPending', { file });
  if (status === 'THREATS_FOUND') fail('MalwareFound', { file });
  fail('NotScanned', { file, status, reason: NOT_SCANNED[status] ?? 'nobody knows why' });
}

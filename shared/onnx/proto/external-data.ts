/** External data: the bytes of a tensor in a file beside the .onnx. */
import type { ByteSource } from '../../bytes/byte-source.ts';
import { fail } from '../../errors.ts';
import type { Message } from './messages.ts';

/** Finds the file that a (checked, relative) location names. */
export type ExternalData = (location: string) => ByteSource;

interface Where {
  readonly file: string;
  readonly where: string;
}

// A model must not be able to name a file outside its folder, on any operating system.
const isSafeLocation = (location: string): boolean =>
  location !== '' &&
  !/[\\:\u0000-\u001f\u007f]/.test(location) &&
  !location.startsWith('/') &&
  location.split('/').every((part) => part !== '..' && part !== '');

export function externalSlice(
  entries: readonly Message<'StringStringEntryProto'>[],
  byteLength: number,
  { open, at }: { readonly open: ExternalData | undefined; readonly at: Where },
): ByteSource {
  const corrupt = (reason: string): never => fail('CorruptModel', { ...at, reason });
  const values = new Map(entries.map(({ key, value }) => [key ?? '', value ?? '']));
  const location = values.get('location') ?? '';
  if (!isSafeLocation(location))
    return corrupt(
      `its external data lies in ${JSON.stringify(location)}; only a relative path inside the folder of ` +
        'the model is allowed',
    );
  const offset =
    wholeNumber(values.get('offset'), 0) ?? corrupt(`its external data has the offset "${values.get('offset')}"`);
  const length =
    wholeNumber(values.get('length'), byteLength) ??
    corrupt(`its external data has the length "${values.get('length')}"`);
  if (length !== byteLength) return corrupt(`its external data has ${length} bytes, its type takes ${byteLength}`);
  if (!open)
    return fail('UnsupportedFormat', {
      file: at.file,
      found: `a model with weights in "${location}"`,
      hint: 'keep that file beside it',
    });
  const source = open(location);
  if (offset + length > source.size)
    return corrupt(`its external data ends at byte ${offset + length} of "${location}", which has ${source.size}`);
  return source.slice(offset, offset + length);
}

function wholeNumber(text: string | undefined, missing: number): number | null {
  if (text === undefined) return missing;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : null;
}

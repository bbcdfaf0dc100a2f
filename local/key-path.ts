/**
 * Keys as paths and back: what a file system takes stays readable, everything else is written in a way that comes back
 * unchanged.
 */
import { checkKey } from '../shared/pipeline/workspace/store.ts';

// Starts a part of a path that stands for a part of a key that no file can be called: empty, too long, or with
// characters of Windows.
const MARK = '%~';
const MORE = '%+';
const LONGEST_NAME = 255;
const PIECE = 200;
// Windows also refuses names that end in a dot or a space, and a few that are devices.
const REFUSED = /[\\:*?"<>|\u0000-\u001f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

const isPlain = (part: string): boolean =>
  part !== '' &&
  Buffer.byteLength(part) <= LONGEST_NAME &&
  !part.startsWith(MARK) &&
  !part.startsWith(MORE) &&
  !(process.platform === 'win32' && REFUSED.test(part));

/** Relative path, with `/`. Refuses keys that would leave the folder. */
export const pathOfKey = (key: string): string => checkKey(key).split('/').flatMap(partsOf).join('/');

function partsOf(part: string): string[] {
  if (isPlain(part)) return [part];
  const encoded = encodeURIComponent(part).replaceAll('*', '%2A').replaceAll('.', '%2E').replaceAll('~', '%7E');
  const pieces = encoded.match(new RegExp(`.{1,${PIECE}}`, 'g')) ?? [''];
  return pieces.map((piece, i) => (i === 0 ? MARK : MORE) + piece);
}

/** The key a path stands for. */
export function keyOfPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part.startsWith(MORE) && parts.length) parts[parts.length - 1] += part.slice(MORE.length);
    else parts.push(part);
  }
  return parts.map((part) => (part.startsWith(MARK) ? (decoded(part.slice(MARK.length)) ?? part) : part)).join('/');
}

// A file may really be called like that.
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Names that come from a page: each is the name of a file in one folder, and nothing that leads elsewhere. */
import { utf8Bytes } from '../shared/bytes/text.ts';
import { fail } from '../shared/errors.ts';

// Separators of both kinds, and what a terminal or a header would not show.
const REFUSED = /[/\\]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
// Most file systems allow 255 bytes; a suffix for what is unfinished has to fit.
const MOST_BYTES = 200;

/** The name itself; refuses with BadUpload. Names with a dot in front are ours. */
export function requireName(name: string): string {
  const problem = problemOf(name);
  return problem === null ? name : fail('BadUpload', { file: name.slice(0, MOST_BYTES), problem, hint: 'rename it' });
}

function problemOf(name: string): string | null {
  if (name === '') return 'it has no name';
  if (REFUSED.test(name)) return 'its name has a separator or a character that is not shown';
  if (name.startsWith('.')) return 'its name begins with a dot';
  return utf8Bytes(name).length > MOST_BYTES ? `its name is longer than ${MOST_BYTES} bytes` : null;
}

/** The words nearest to one that does not exist, for messages. */

const plain = (word: string): string => word.toLowerCase().replaceAll(/[_\-\s]/g, '');

/** At most `most` words, nearest first; none where no word is near. */
export function nearest(given: unknown, words: Iterable<string>, most = 3): string[] {
  if (typeof given !== 'string') return [];
  const wanted = plain(given);
  const near: { word: string; distance: number }[] = [];
  for (const word of new Set(words)) {
    const other = plain(word);
    const limit = Math.max(2, Math.floor(other.length / 3));
    if (Math.abs(other.length - wanted.length) > limit) continue;
    const distance = levenshtein(wanted, other);
    if (distance <= limit) near.push({ word, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ word }) => word);
}

/** `did you mean "opset_version"?`, or nothing when no word is near. */
export function didYouMean(given: unknown, words: Iterable<string>): string {
  const [best] = nearest(given, words, 1);
  return best === undefined ? '' : `did you mean "${best}"?`;
}

/** Smallest number of letters to insert, delete or replace. */
export function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** Which outputs are scores of classes, so that the place of a row's largest number means something. */

/** What programs and exporters call them, alone or as the last part of a name: `logits`, `out.start_logits`. */
const NAMED = /(?:^|[._])(?:logits?|scores?|prob(?:abilitie)?s|softmax)(?:_\d+)?$/i;

/**
 * A row for each sample is taken for scores. With an axis more the last one may as well be features of a token or the
 * width of an image, so there the name has to say it: `[batch, tokens, words]` of a language model.
 */
export const looksLikeScores = (name: string, rank: number): boolean => rank === 2 || (rank === 3 && NAMED.test(name));

/** Place of the largest element in `values[start, start + count)`, the first one of equals. */
export function largestAt(values: ArrayLike<number>, start: number, count: number): number {
  let at = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + at]!) at = i;
  return at;
}

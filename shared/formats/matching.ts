/** Predicates for rows of the table of formats: by records of an archive, or by first bytes. */
import { latin1Bytes, latin1Text } from '../bytes/text.ts';
import type { Candidate, RefusedFormat } from './format.ts';

type Matches = (file: Candidate) => boolean;

/** An archive with all of these records. */
export const has =
  (...names: readonly string[]): Matches =>
  ({ records }) =>
    records !== null && names.every((name) => records.get(name) !== null);

/** An archive with a record below a folder, whose name there passes. */
export const hasBelow =
  (folder: string, passes: (name: string) => boolean = () => true): Matches =>
  ({ records }) =>
    records !== null && records.under(folder).some(passes);

/** Bytes, given as numbers or as text, at a place of a file that is no archive. */
export function magic(expected: readonly number[] | string, at = 0): Matches {
  const bytes = typeof expected === 'string' ? latin1Bytes(expected) : expected;
  return ({ head }) => head.length >= at + bytes.length && bytes.every((byte, i) => byte === head[at + i]);
}

/** The first bytes, each as the character of its number. */
export const begins =
  (pattern: RegExp): Matches =>
  ({ head }) =>
    pattern.test(latin1Text(head));

const EXPORT_HINT = 'export the model in Python: torch.export.save(torch.export.export(model, args), "model.pt2")';

/** A row for what cannot be used. */
export const refused = (
  name: string,
  matches: RefusedFormat['matches'],
  found: RefusedFormat['found'],
): RefusedFormat => ({ kind: 'refused', name, matches, found, hint: EXPORT_HINT });

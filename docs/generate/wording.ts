/** The words of a failure without its values. */
import { type FailureCode, type FailureDetails, FerryError } from '../../shared/errors.ts';

export const wordingOf = (code: FailureCode): string =>
  // Whatever field a wording asks for is there, whatever it does with it.
  new FerryError(code, fields() as FailureDetails<FailureCode>).message;

const fields = (): unknown => new Proxy({}, { get: (_, name) => standIn(String(name)) });

/** A name in capitals, that also serves as the list of one such thing, and as an object with such fields. */
function standIn(name: string): unknown {
  const capitals = name.replaceAll(/[A-Z]/g, ' $&').toUpperCase();
  const known: Readonly<Record<string | symbol, unknown>> = {
    [Symbol.toPrimitive]: () => capitals,
    length: 1,
    map: (each: (item: unknown) => unknown) => [each(standIn(name.replace(/s$/, '')))],
    join: () => capitals,
    slice: () => capitals,
  };
  return new Proxy({}, { get: (_, field) => known[field] ?? standIn(String(field)) });
}

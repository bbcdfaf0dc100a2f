/** What options were called in earlier versions: still understood, and reported under the new names. */

type Options = Readonly<Record<string, unknown>>;

/** Option to its old values (in lower case), each with what it says now. */
const OLD_VALUES: Readonly<Record<string, Readonly<Record<string, Options>>>> = {
  // Once three things in one option, which therefore did not combine.
  recipe: { full: { quantize_all: true }, reduce_range: { reduce_range: true } },
};

/** The same options in today's words. What is said in them already wins. */
export function inTodaysWords(options: Options): Options {
  const meanings = Object.entries(options).map(([name, value]) => ({ name, value, now: meaningOf(name, value) }));
  // Entries, not spreading: a name such as "__proto__" must stay a name, to be refused as one.
  return Object.fromEntries([
    ...meanings.flatMap(({ now }) => Object.entries(now ?? {})),
    ...meanings.flatMap(({ name, value, now }) => (now ? [] : [[name, value] as const])),
  ]);
}

function meaningOf(name: string, value: unknown): Options | null {
  const values = Object.hasOwn(OLD_VALUES, name) ? OLD_VALUES[name]! : {};
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  return Object.hasOwn(values, word) ? values[word]! : null;
}

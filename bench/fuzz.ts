/** `npm run fuzz`: thousands of damaged inputs; the counts of how they end. Exit code 1 when one ends in a fault. */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Case, ENDINGS, fuzz, isFine, LIMITS } from './fuzz/run.ts';
import { SUBJECT_NAMES } from './fuzz/subjects.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '3600' },
    seed: { type: 'string', default: '1' },
    subject: { type: 'string', default: '' },
    keep: { type: 'string' },
  },
});

const { keep } = values;
if (keep !== undefined) mkdirSync(keep, { recursive: true });
const cases = await fuzz({
  count: Number(values.count),
  seed: Number(values.seed),
  subjects: SUBJECT_NAMES.filter((name) => name.includes(values.subject)),
  ...(keep === undefined ? {} : { keep }),
  onCase: (found) => {
    if (!isFine(found))
      console.error(`${found.ending}: ${found.subject}, ${found.mutation}, seed ${found.seed}: ${found.text}`);
  },
});

const groups = Map.groupBy(cases, ({ subject, mutation }) => `${subject}, ${mutation}`);
const row = (name: string, some: readonly Case[]): string =>
  `| ${name} | ${ENDINGS.map((ending) => some.filter((found) => found.ending === ending).length).join(' | ')} |`;
console.log(`| damaged | ${ENDINGS.join(' | ')} |`);
console.log(`| --- |${ENDINGS.map(() => ' ---: |').join('')}`);
for (const [name, some] of groups) console.log(row(name, some));
console.log(row(`all ${cases.length}`, cases));
console.log(`slow: more than ${LIMITS.seconds} s; large: more than ${LIMITS.megabytes} MB`);
process.exitCode = cases.every(isFine) ? 0 : 1;

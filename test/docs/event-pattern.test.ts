/** The pattern of a rule in docs/aws.md asks for what events really have: held against one that the machine sent. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFerry } from '../../local/ferry.ts';
import type { Json } from '../../shared/pipeline/machine/asl.ts';
import { fakeStages, PROGRAM } from '../local/fake-stages.ts';
import { blocksOf, PAGES } from './pages.ts';

const PATTERNS = PAGES.filter(({ path }) => path === 'docs/aws.md')
  .flatMap((page) => blocksOf(page, 'jsonc'))
  .map((text) => JSON.parse(text) as Pattern)
  .filter((pattern) => 'detail-type' in pattern);

type Pattern = { readonly [key: string]: Pattern | readonly Matcher[] };
type Matcher = string | { readonly prefix: string } | { readonly numeric: readonly ['<', number] };

/** What EventBridge makes of it, as far as our pages use it. */
function matches(pattern: Pattern, event: Json): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    const found = (event as { readonly [key: string]: Json } | null)?.[name] ?? null;
    return Array.isArray(wanted)
      ? wanted.some((matcher: Matcher) => meets(matcher, found))
      : matches(wanted as Pattern, found);
  });
}

function meets(matcher: Matcher, found: Json): boolean {
  if (typeof matcher === 'string') return found === matcher;
  if ('prefix' in matcher) return typeof found === 'string' && found.startsWith(matcher.prefix);
  return typeof found === 'number' && found < matcher.numeric[1];
}

let root: string;
let sent: { readonly [key: string]: Json };
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pattern-'));
  for (const name of ['input', 'output', 'work', 'temporary']) await mkdir(join(root, name));
  await writeFile(join(root, 'input', 'net.pt2'), PROGRAM);
  const ferry = makeFerry({
    buckets: { input: join(root, 'input'), output: join(root, 'output'), work: join(root, 'work') },
    temporaryFolder: join(root, 'temporary'),
    stages: fakeStages(),
    onEvent: (event) => {
      if (event.kind === 'event') sent = { source: 'torchferry', 'detail-type': event.type, detail: event.detail };
    },
  });
  await ferry.convert({ bucket: 'input', key: 'net.pt2' });
});
afterAll(() => rm(root, { recursive: true }));

const withDecibels = (sqnr: number | null): Json => {
  const detail = structuredClone(sent['detail']) as { result: { accuracy: { sqnr: Json } } };
  detail.result.accuracy.sqnr = sqnr;
  return { ...sent, detail };
};

test('there is one', () => expect(PATTERNS).toHaveLength(1));

test('it finds INT8 that is too far off, and no other', () => {
  const [pattern] = PATTERNS;
  expect(sent['detail']).toMatchObject({ result: { chosen: 'int8', accuracy: { sqnr: 90 } } });
  expect([24.9, 25, 90, null].map((sqnr) => matches(pattern!, withDecibels(sqnr)))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

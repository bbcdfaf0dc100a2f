/** Recorded cases by the thousand: one operator call a line, with PyTorch's results; what each becomes. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { problemOf, type RecordedCase } from '../test/convert/recorded-case.ts';
import { NAN } from '../shared/choices.ts';
import { HOW_COMPARED } from './agreement.ts';

const { values, positionals } = parseArgs({
  options: {
    opset: { type: 'string', default: '21' },
    nan: { type: 'string' },
    filter: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

type Verdict = 'right' | 'refused' | 'wrong' | 'broken';

async function verdictOf(recorded: RecordedCase): Promise<{ verdict: Verdict; reason: string }> {
  try {
    const problem = await problemOf(recorded, Number(values.opset));
    if (problem === null) return { verdict: 'right', reason: '' };
    if (problem.startsWith('refused')) return { verdict: 'refused', reason: problem };
    return { verdict: /PyTorch gives|differs by/.test(problem) ? 'wrong' : 'broken', reason: problem };
  } catch (error) {
    return { verdict: 'broken', reason: error instanceof Error ? error.message : String(error) };
  }
}

const nan = values.nan === undefined ? {} : { nan: NAN.find((n) => n === values.nan)! };
const filter = new RegExp(values.filter);
for (const file of positionals) {
  const counts: Record<Verdict, number> = { right: 0, refused: 0, wrong: 0, broken: 0 };
  const operators = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const text = line.replace(/,$/, '');
    if (!text.startsWith('{')) continue;
    const recorded = JSON.parse(text) as RecordedCase;
    if (!filter.test(recorded.op)) continue;
    if (!operators.has(recorded.op)) process.stderr.write(`${recorded.op}\n`);
    operators.add(recorded.op);
    const { verdict, reason } = await verdictOf({ ...recorded, ...nan });
    counts[verdict]++;
    if (verdict !== 'right' && values.verbose)
      console.log(
        `${verdict} ${recorded.op} (${recorded.kind ?? ''}) ${reason.split('\n').slice(0, 2).join(' ')} ${text.slice(0, 200)}`,
      );
  }
  const told = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
  console.log(`${file}, opset ${values.opset}: ${operators.size} operators, ${told.join(', ')}`);
}
console.log(HOW_COMPARED);

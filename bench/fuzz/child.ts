/** The other side of `run.ts`: gives damaged files to their subjects in a process that can be ended and measured. */
import { isFailure } from '../../shared/errors.ts';
import type { Answer, Question } from './run.ts';
import { SUBJECTS } from './subjects.ts';

process.on('message', (question: Question) => void answer(question).then((found) => process.send!(found)));

async function answer({ subject, path, files }: Question): Promise<Answer> {
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  const measured = (): Pick<Answer, 'seconds' | 'megabytes'> => {
    const { user, system } = process.cpuUsage(cpu);
    // Where other processes take their share of the processor, the clock on the wall counts their work too.
    const seconds = Math.min((performance.now() - started) / 1e3, (user + system) / 1e6);
    return { seconds, megabytes: process.resourceUsage().maxRSS / 1024 };
  };
  try {
    const hash = await SUBJECTS[subject].read(path, files);
    return { kind: 'read', text: hash ?? '', ...measured() };
  } catch (error) {
    if (isFailure(error)) return { kind: 'refused', text: error.code, ...measured() };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'untyped', text, ...measured() };
  }
}

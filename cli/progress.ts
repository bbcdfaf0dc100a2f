/** What is going on: a spinner on a terminal, plain lines elsewhere, nothing for `--json`. Always on stderr. */
import ora from 'ora';
import type { Advance } from '../shared/bytes/advance.ts';
import { pacer } from './pace.ts';

export interface Progress {
  /** A step has begun; the one before it is done. */
  step(text: string): void;
  /** How far the running step is: so many of all. */
  advance(advance: Advance): void;
  /** A line that stays. */
  note(text: string): void;
  /** Everything is over, well or not. */
  end(outcome: 'done' | 'failed'): void;
}

/** Where the output is one document. */
export const silent: Progress = { step() {}, advance() {}, note() {}, end() {} };

function terminal(): Progress {
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  let step = '';
  let pace = pacer();
  return {
    step(text) {
      if (spinner.isSpinning) spinner.succeed(step);
      [step, pace] = [text, pacer()];
      spinner.start(text);
    },
    advance(advance) {
      spinner.text = `${step}: ${pace(advance).text}`;
    },
    note(text) {
      const running = spinner.isSpinning ? spinner.text : null;
      spinner.stop();
      process.stderr.write(`${text}\n`);
      if (running !== null) spinner.start(running);
    },
    end(outcome) {
      if (!spinner.isSpinning) return;
      if (outcome === 'done') spinner.succeed(step);
      else spinner.fail(step);
    },
  };
}

function lines(): Progress {
  let pace = pacer();
  const line = (text: string): void => void process.stderr.write(`${text}\n`);
  return {
    step(text) {
      pace = pacer();
      line(text);
    },
    advance(advance) {
      const { text, isQuarter } = pace(advance);
      if (isQuarter) line(`  ${text}`);
    },
    note: line,
    end() {},
  };
}

/** The parts of a stream that say what is at its other end. */
export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** `script` without a terminal gives one of 0 columns, in which a spinner never finds room. */
export const isTerminal = ({ stdout, stderr }: { readonly stdout: Sink; readonly stderr: Sink }): boolean =>
  stdout.isTTY === true && stderr.isTTY === true && (stderr.columns ?? 0) > 0;

export const makeProgress = (): Progress => (isTerminal(process) ? terminal() : lines());

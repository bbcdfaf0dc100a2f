/** What is going on: a spinner on a terminal, plain lines elsewhere, nothing for `--json`. Always on stderr. */
import ora from 'ora';
import type { Advance } from '../shared/quantize/advance.ts';

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
  return {
    step(text) {
      if (spinner.isSpinning) spinner.succeed(step);
      step = text;
      spinner.start(text);
    },
    advance(advance) {
      spinner.text = `${step}: ${advanceText(advance)}`;
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

const lines: Progress = {
  step: (text) => void process.stderr.write(`${text}\n`),
  advance(advance) {
    if (isQuarter(advance)) process.stderr.write(`  ${advanceText(advance)}\n`);
  },
  note: (text) => void process.stderr.write(`${text}\n`),
  end() {},
};

/** `calibrating: 8 of 32 samples, 25 %`. */
export const advanceText = ({ doing, done, of }: Advance): string =>
  `${doing}: ${done} of ${of} samples, ${Math.round((100 * done) / of)} %`;

/** Lines stay: four of them for each pass over many samples. */
export const isQuarter = ({ done, of }: Advance): boolean =>
  Math.floor((4 * done) / of) > Math.floor((4 * (done - 1)) / of);

/** The parts of a stream that say what is at its other end. */
export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** `script` without a terminal gives one of 0 columns, in which a spinner never finds room. */
export const isTerminal = ({ stdout, stderr }: { readonly stdout: Sink; readonly stderr: Sink }): boolean =>
  stdout.isTTY === true && stderr.isTTY === true && (stderr.columns ?? 0) > 0;

export const makeProgress = (): Progress => (isTerminal(process) ? terminal() : lines);

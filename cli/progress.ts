/** What is going on: a spinner on a terminal, plain lines elsewhere, nothing for `--json`. Always on stderr. */
import ora from 'ora';

export interface Progress {
  /** A step has begun; the one before it is done. */
  step(text: string): void;
  /** A line that stays. */
  note(text: string): void;
  /** Everything is over, well or not. */
  end(outcome: 'done' | 'failed'): void;
}

/** Where the output is one document. */
export const silent: Progress = { step() {}, note() {}, end() {} };

function terminal(): Progress {
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  return {
    step(text) {
      if (spinner.isSpinning) spinner.succeed();
      spinner.start(text);
    },
    note(text) {
      const running = spinner.isSpinning ? spinner.text : null;
      spinner.stop();
      process.stderr.write(`${text}\n`);
      if (running !== null) spinner.start(running);
    },
    end(outcome) {
      if (!spinner.isSpinning) return;
      if (outcome === 'done') spinner.succeed();
      else spinner.fail();
    },
  };
}

const lines: Progress = {
  step: (text) => void process.stderr.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
  end() {},
};

/** The parts of a stream that say what is at its other end. */
export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** `script` without a terminal gives one of 0 columns, in which a spinner never finds room. */
export const isTerminal = ({ stdout, stderr }: { readonly stdout: Sink; readonly stderr: Sink }): boolean =>
  stdout.isTTY === true && stderr.isTTY === true && (stderr.columns ?? 0) > 0;

export const makeProgress = (): Progress => (isTerminal(process) ? terminal() : lines);

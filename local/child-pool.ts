/** Processes that did their work well and wait for more, as functions of Lambda do: starting one takes half a second. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Milliseconds that one waits for more work. */
const IDLE = 10_000;
/** Of memory, above which one is ended: what it keeps nobody else has. */
const MOST_RSS = 2 ** 29;

export interface ChildPool {
  /** One that waits, else a new one. */
  take(): ChildProcess;
  /** One that answered and has nothing to do; `rss` is what it said of its memory, in bytes. */
  give(child: ChildProcess, rss: number): void;
}

export function startChild(module: URL): ChildProcess {
  return fork(fileURLToPath(module), {
    execArgv: [],
    // NaN and the infinities stay what they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** Those that wait keep nobody from ending, and end with the process that started them. */
export function childPool(module: URL): ChildPool {
  const waiting = new Map<ChildProcess, NodeJS.Timeout>();
  const forget = (child: ChildProcess): void => {
    clearTimeout(waiting.get(child));
    waiting.delete(child);
  };
  return {
    take() {
      const child = [...waiting.keys()].findLast((each) => each.connected);
      if (!child) return startChild(module);
      forget(child);
      child.removeAllListeners('exit');
      child.ref();
      child.channel?.ref();
      return child;
    },
    give(child, rss) {
      if (rss > MOST_RSS || !child.connected) return void child.kill('SIGKILL');
      child.unref();
      child.channel?.unref();
      child.once('exit', () => forget(child));
      waiting.set(child, setTimeout(() => child.kill('SIGKILL'), IDLE).unref());
    },
  };
}

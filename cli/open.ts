/** Opens a page or an address with what the platform opens it with. */
import { spawn } from 'node:child_process';
import type { Option } from './command.ts';

export const OPEN: Option = { type: 'boolean', describe: 'open the report in the browser when it is written' };

const OPENERS: Partial<Readonly<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** As well as it goes: whoever runs a command hears in any case where the page is. */
export function open(target: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program!, [...args, target], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}

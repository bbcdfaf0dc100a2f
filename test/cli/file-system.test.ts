/** What the operating system refuses is a typed failure, and `--json` prints one document whatever happens. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { COMMANDS } from '../../cli/commands.ts';
import { isTerminal } from '../../cli/progress.ts';
import { fileSource } from '../../shared/bytes/file-source.ts';
import { asFailure } from '../../shared/errors.ts';
import { parseJob } from '../../shared/pipeline/job/parse-job.ts';
import { printed, type Printed } from './in-process.ts';

const DIGITS = resolve(import.meta.dirname, '../../examples/digits/digits_cnn.pt2');
const isLinux = process.platform === 'linux';

let folder: string;
let model: string;
const at = (name: string): string => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'torchferry-fs-'));
  model = at('net.pt2');
  copyFileSync(DIGITS, model);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const document = ({ out }: Printed): { error?: { code: string } } => JSON.parse(out) as never;
const thrownBy = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
    return null;
  } catch (error) {
    return asFailure(error);
  }
};

describe('a typed failure, and one document', () => {
  const lines: readonly (readonly [string, () => string[], string])[] = [
    ['a file for a folder', () => ['convert', model, '-o', join(model, 'x.onnx')], 'FileSystem'],
    ['a file for the folder of a run', () => ['run', model, '-o', model], 'BadOutput'],
    ['a name that is too long', () => ['convert', model, '-o', at('x'.repeat(300))], 'FileSystem'],
    ['a folder for a job file', () => ['convert', model, '--job', folder], 'UnsupportedFormat'],
    ['a job file that is not there', () => ['run', model, '--job', at('none.json'), '-o', at('out')], 'FileNotFound'],
    ['no command', () => ['constructor'], 'WrongUsage'],
    ['an option that is not there', () => ['convert', model, '--fast'], 'WrongUsage'],
  ];
  test.each(lines)('%s', async (_, args, code) => {
    const ran = await printed(...args(), '--json');
    expect(document(ran).error?.code).toBe(code);
    expect(ran.code).toBeGreaterThan(0);
    expect(ran.err).toMatch(/^torchferry: \w+: .*\n$/);
    const text = await printed(...args());
    expect([text.out, text.err]).toEqual(['', ran.err]);
  });

  test('links in a circle', async () => {
    symlinkSync(at('circle'), at('circle'));
    expect(await thrownBy(() => fileSource(at('circle')))).toMatchObject({ code: 'FileSystem' });
  });

  test('of several files each has its own', async () => {
    mkdirSync(at('models'));
    copyFileSync(DIGITS, at('models/a.pt2'));
    symlinkSync(at('models/b.pt2'), at('models/b.pt2'));
    const ran = await printed('inspect', at('models/a.pt2'), model, '--json');
    expect(document(ran)).not.toHaveProperty('error');
  });

  test('a fault of ours is one document too, and is thrown', async () => {
    const inspect = vi.spyOn(await COMMANDS['inspect']!.load(), 'run').mockRejectedValue(new TypeError('a fault'));
    let out = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((out += String(chunk)), true));
    try {
      const { cli } = await import('../../cli/cli.ts');
      await expect(cli(['inspect', model, '--json'])).rejects.toThrow('a fault');
      expect(JSON.parse(out)).toEqual({ error: { code: 'Error', message: 'a fault' } });
    } finally {
      inspect.mockRestore();
      write.mockRestore();
    }
  });

  test.each([[['--help']], [['convert', '--help']], [['--version']], [['ops', 'relu']]])('%j', async (args) => {
    const ran = await printed(...args, '--json');
    expect([ran.code, typeof document(ran)]).toEqual([0, 'object']);
    expect(document(await printed('--json', ...args))).toEqual(document(ran));
  });

  test.skipIf(!isLinux)('a full disk', async () => {
    const write = async (): Promise<void> => {
      const file = await open('/dev/full', 'w');
      await file.write('x').finally(() => file.close());
    };
    expect(await thrownBy(write)).toMatchObject({ code: 'FileSystem', details: { errno: 'ENOSPC' } });
  });

  test.skipIf(!isLinux)('too many open files', () => {
    const script = `
      import { asFailure } from ${JSON.stringify(new URL('../../shared/errors.ts', import.meta.url).href)};
      import { fileSource } from ${JSON.stringify(new URL('../../shared/bytes/file-source.ts', import.meta.url).href)};
      try { for (;;) fileSource(${JSON.stringify(model)}); } catch (error) { console.log(asFailure(error).message); }
    `;
    const line = `ulimit -n 64; exec "${process.execPath}" --input-type=module -e "$SCRIPT"`;
    const out = execFileSync('bash', ['-c', line], { env: { ...process.env, SCRIPT: script }, encoding: 'utf8' });
    expect(out).toMatch(/^cannot open ".*net\.pt2": too many files are open \(EMFILE\)/);
  });
});

describe('a job file', () => {
  test.each([
    ['of nested lists', '['.repeat(200_000)],
    ['of nested objects', '{"a":'.repeat(200_000)],
    ['closed properly', '['.repeat(101) + ']'.repeat(101)],
  ])('%s is beyond a limit', async (_, text) => {
    writeFileSync(at('deep.json'), text);
    const ran = await printed('convert', model, '--job', at('deep.json'), '--json');
    expect(document(ran).error?.code).toBe('LimitExceeded');
    writeFileSync(at('net.job.json'), text);
    expect(document(await printed('run', model, '-o', at('out'), '--json')).error?.code).toBe('LimitExceeded');
  });

  test('may hold brackets in its texts', () => {
    const name = `${'['.repeat(500)}\\"${'{'.repeat(500)}`;
    expect(parseJob('job', JSON.stringify({ input_names: [name] }))).toEqual({ input_names: [name] });
  });

  test('of any size is refused before it is read', async () => {
    writeFileSync(at('large.json'), ' '.repeat((1 << 20) + 1));
    const ran = await printed('convert', model, '--job', at('large.json'), '--json');
    expect(document(ran).error?.code).toBe('LimitExceeded');
  });
});

describe('progress', () => {
  test.each([
    [{ isTTY: true, columns: 80 }, { isTTY: true, columns: 80 }, true],
    [{ isTTY: true, columns: 0 }, { isTTY: true, columns: 0 }, false],
    [{ isTTY: false }, { isTTY: true, columns: 80 }, false],
    [{ isTTY: true, columns: 80 }, { isTTY: false }, false],
    [{}, {}, false],
  ])('stdout %j and stderr %j: a spinner is %s', (stdout, stderr, spins) => {
    expect(isTerminal({ stdout, stderr })).toBe(spins);
  });
});

test('what was given is as it was', async () => {
  await printed('convert', model, '-o', join(model, 'x.onnx'));
  expect(readFileSync(model).equals(readFileSync(DIGITS))).toBe(true);
});

/**
 * The package as somebody installs it: packed in a copy of the sources, unpacked into the node_modules of an empty
 * project. What it depends on is linked from here, because tests have no network.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const INSTALLED = realpathSync(join(ROOT, 'node_modules'));

/** What is no source, and what building does not read. */
const LEFT_OUT = ['.git', 'node_modules', 'dist', 'cdk.out', 'out', 'test', 'bench', 'docs', 'examples'];

const run = promisify(execFile);

export interface Scratch {
  readonly folder: string;
  /** Run a program of ours, or Node, in the folder; both outputs. */
  run(program: string, ...args: readonly string[]): Promise<string>;
}

/** Pack in a copy, because other tests build in place; the path of the archive. */
export async function pack(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'packed-'));
  for (const name of readdirSync(ROOT)) {
    if (!LEFT_OUT.includes(name)) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(INSTALLED, join(folder, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--json', '--silent'], { cwd: folder, maxBuffer: 1e8 });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }];
  return join(folder, filename);
}

interface Project {
  /** Of our development dependencies, those that the project has too. */
  readonly alsoHas: readonly string[];
}

/** An empty project that has the package, what it depends on, and nothing that only its makers need. */
export async function install(archive: string, { alsoHas }: Project): Promise<Scratch> {
  const folder = mkdtempSync(join(tmpdir(), 'scratch-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'torchferry'), { recursive: true });
  await run('tar', ['xzf', archive, '--strip-components=1', '-C', join(modules, 'torchferry')]);
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    devDependencies: Readonly<Record<string, string>>;
  };
  const makersOnly = Object.keys(devDependencies).filter((name) => !alsoHas.includes(name));
  for (const name of packagesIn(INSTALLED)) {
    if (makersOnly.includes(name)) continue;
    mkdirSync(join(modules, name, '..'), { recursive: true });
    symlinkSync(join(INSTALLED, name), join(modules, name));
  }
  return {
    folder,
    async run(program, ...args) {
      const { stdout, stderr } = await run(program, args, { cwd: folder, maxBuffer: 1e8 });
      return stdout + stderr;
    },
  };
}

const packagesIn = (modules: string): string[] =>
  readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`) : [name],
    );

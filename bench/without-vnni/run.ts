/**
 * Runs a command as on an x64 processor without VNNI, at full speed: `node bench/without-vnni/run.ts [--python PYTHON]
 * COMMAND...`. In a mount namespace of its own, onnxruntime's library (and the one of PYTHON's venv) is a copy that
 * finds AVX2 at most, and /proc/cpuinfo lacks the flags. The files of the machine stay as they are. Where the processor
 * has no VNNI the command runs as it is.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { CPUINFO, hasVnni, unshare } from './possible.ts';
import { withoutVnniChecks } from './machine-code.ts';

const PACKAGE = join(import.meta.dirname, '../../node_modules/onnxruntime-node');

const args = process.argv.slice(2);
const own = args[0] === '--python' ? args.splice(0, 2) : [];
const { python } = parseArgs({ args: own, options: { python: { type: 'string' } } }).values;
function run(command: readonly string[]): number {
  if (command.length === 0) throw new Error('which command? node bench/without-vnni/run.ts COMMAND...');
  if (!hasVnni()) return spawn(command);
  const folder = mkdtempSync(join(tmpdir(), 'torchferry-without-vnni-'));
  try {
    const binds = [...libraries(), CPUINFO].map((path, i) => {
      const copy = join(folder, String(i));
      writeFileSync(
        copy,
        path === CPUINFO ? withoutFlags(readFileSync(path, 'utf8')) : withoutVnniChecks(readFileSync(path)),
      );
      return `mount --bind ${copy} '${path}' && `;
    });
    return spawn([...unshare(), 'sh', '-c', `${binds.join('')}exec "$@"`, 'sh', ...command]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function libraries(): string[] {
  const found = globSync(join(realpathSync(PACKAGE), 'bin/napi-v*/linux/x64/libonnxruntime.so.*'));
  const modules = python === undefined ? [] : globSync(join(packageOf(python), 'capi/onnxruntime_pybind11_state*.so'));
  return [...found, ...modules];
}

function packageOf(python: string): string {
  const script = 'import importlib.util as u; print(u.find_spec("onnxruntime").origin)';
  const { stdout, stderr, status } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`"${python}" has no onnxruntime: ${stderr}`);
  return dirname(stdout.trim());
}

const withoutFlags = (cpuinfo: string): string => cpuinfo.replaceAll(/ (avx512\w*|avx_vnni)\b/g, '');

function spawn([program, ...args]: readonly string[]): number {
  const { status, error } = spawnSync(program!, args, { stdio: 'inherit' });
  if (error) throw error;
  return status ?? 1;
}

process.exitCode = run(args);

/**
 * One stage as a Lambda folder: its function, and of onnxruntime the one platform it runs on.
 */
import { cpSync, existsSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '../shared/errors.ts';
import { type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';
import { RUNTIME, writeHandler } from './handler.ts';

/** onnxruntime's name for an architecture. */
export type NodeArch = 'arm64' | 'x64';

const COMMON = 'onnxruntime-common';

/** Functions that `npm run build` left: they are there in the package, and not in a clone. */
const BUILT = fileURLToPath(new URL('../handlers', import.meta.url));

/** Write a stage into `folder`: as it is built, or in a clone as its sources are now. */
export function bundle(stage: StageName, folder: string, arch: NodeArch): void {
  if (existsSync(BUILT)) cpSync(join(BUILT, stage), folder, { recursive: true });
  else writeHandler(stage, folder);
  if (STAGES[stage].needsOnnxRuntime) copyRuntime(folder, arch);
}

// The whole package has every platform: 288 MB, where Lambda takes 250.
function copyRuntime(folder: string, arch: NodeArch): void {
  const root = packageFolder(RUNTIME, import.meta.url);
  copy(root, join(folder, 'node_modules', RUNTIME), ['package.json', 'dist', `bin/napi-v6/linux/${arch}`]);
  copy(packageFolder(COMMON, join(root, 'package.json')), join(folder, 'node_modules', COMMON), [
    'package.json',
    'dist/cjs',
  ]);
}

function copy(from: string, to: string, parts: readonly string[]): void {
  const isNeeded = (path: string): boolean => !/\.(map|d\.ts)$/.test(path);
  for (const part of parts) cpSync(join(from, part), join(to, part), { recursive: true, filter: isNeeded });
}

const packageFolder = (name: string, base: string): string =>
  dirname(findPackageJSON(name, base) ?? fail('FileNotFound', { file: `${name}/package.json` }));

/**
 * One stage as a Lambda folder: an ES module with what it loads on demand beside it, and of onnxruntime the one
 * platform it runs on.
 */
import { cpSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { fail } from '../shared/errors.ts';
import { stageFile } from '../shared/pipeline/machine/stage.ts';
import type { StageName } from '../shared/pipeline/machine/stages.ts';

/** onnxruntime's name for an architecture. */
export type NodeArch = 'arm64' | 'x64';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNTIME = 'onnxruntime-node';
const COMMON = 'onnxruntime-common';

// Parts of the AWS SDK and of X-Ray are CommonJS and call `require`, which ES modules do not have.
const BANNER = [
  `import{createRequire as __createRequire}from'node:module';`,
  'const require=__createRequire(import.meta.url);',
].join('');

// A stage and what is around it on Lambda.
const entry = (stage: StageName): string =>
  [
    `import { stageHandler } from './functions/stage-handler.ts';`,
    `import { run } from './shared/pipeline/stages/${stageFile(stage)}';`,
    `export const handler = stageHandler('${stage}', run);`,
  ].join('\n');

/** Bundle a stage into `folder`; onnxruntime goes along only when the code imports it. */
export function bundle(stage: StageName, folder: string, arch: NodeArch): void {
  const { metafile } = buildSync({
    stdin: { contents: entry(stage), resolveDir: ROOT, sourcefile: `handler of ${stage}`, loader: 'ts' },
    // Paths in the output, and with them its hash, are the same wherever this is run from.
    absWorkingDir: ROOT,
    outdir: folder,
    entryNames: 'index',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported on demand is a file of its own, which a cold start does not read.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: BANNER },
    external: [RUNTIME],
    // Names and lines stay, so that a stack trace in the logs can be read without a source map.
    minifySyntax: true,
    metafile: true,
    logLevel: 'warning',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  if (imports.some(({ path }) => path === RUNTIME)) copyRuntime(folder, arch);
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

/** The function of a stage, made by esbuild: an ES module with what it loads on demand beside it. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { stageFile } from '../shared/pipeline/machine/stage.ts';
import { type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';

/** It is brought along as it is, because it has native code. */
export const RUNTIME = 'onnxruntime-node';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

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

/** Write the function of a stage into `folder`, without what it finds in node_modules there. */
export function writeHandler(stage: StageName, folder: string): void {
  // Who installed the package has no esbuild and needs none.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const { metafile } = buildSync({
    stdin: { contents: entry(stage), resolveDir: ROOT, sourcefile: `handler of ${stage}`, loader: 'ts' },
    // Paths in the output, and with them its hash, are the same wherever this is run from.
    absWorkingDir: ROOT,
    preserveSymlinks: true,
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
  if (imports.some(({ path }) => path === RUNTIME) !== STAGES[stage].needsOnnxRuntime)
    throw new Error(`the row of stage ${stage} is wrong: needsOnnxRuntime`);
}

/** The command of a task's container: functions/fargate as one text, because the image has Node and nothing of ours. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The text that `npm run build` left: it is there in the package, and not in a clone. */
const BUILT = fileURLToPath(new URL('../handlers/fargate.mjs', import.meta.url));

export const fargateCommand = (): readonly string[] => [
  'node',
  '--input-type=module',
  '-e',
  existsSync(BUILT) ? readFileSync(BUILT, 'utf8') : fargateProgram(),
];

/** As the sources are now. */
export function fargateProgram(): string {
  // Who installed the package has no esbuild and needs none.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const { outputFiles } = buildSync({
    entryPoints: ['functions/fargate/main.ts'],
    absWorkingDir: ROOT,
    write: false,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // CloudFormation would take what stands in one for a parameter.
    supported: { 'template-literal': false },
    logLevel: 'warning',
  });
  return outputFiles[0]!.text;
}

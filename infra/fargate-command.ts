/** The command of a task's container: functions/fargate as one text, because the image has Node and nothing of ours. */
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export function fargateCommand(): readonly string[] {
  const { outputFiles } = buildSync({
    entryPoints: ['functions/fargate/main.ts'],
    absWorkingDir: ROOT,
    write: false,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'warning',
  });
  return ['node', '--input-type=module', '-e', outputFiles[0]!.text];
}

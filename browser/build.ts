/** Builds the page without a server into static files: `npm run build:page [FOLDER]`. */
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { staticPage } from './static-page.ts';

const FOLDER = 'dist/page';

/** The folder is made anew: one file that holds page, script and worker. */
export async function buildPage(folder: string): Promise<void> {
  const [script, worker] = [await bundle('page.ts'), await bundle('worker.ts')];
  const hash = createHash('sha256').update(script).digest('base64');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.html'), staticPage({ script, worker, hash }));
}

/** Fails where something imports a module of Node. */
async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, entry)],
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2024',
    logLevel: 'warning',
  });
  return outputFiles[0]!.text;
}

if (import.meta.main) await buildPage(process.argv[2] ?? FOLDER);

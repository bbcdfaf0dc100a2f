/** Builds the page without a server into static files: `npm run build:page [FOLDER]`. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { build } from 'esbuild';
import { staticPage } from './static-page.ts';

const FOLDER = 'dist/page';
const WASM = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');

/** The folder is made anew: one file that holds page, script, worker and onnxruntime. */
export async function buildPage(folder: string): Promise<void> {
  const [script, worker] = [await bundle('page.ts'), await bundle('worker.ts')];
  const wasm = (await promisify(gzip)(await readFile(WASM), { level: 9 })).toString('base64');
  const hash = createHash('sha256').update(script).digest('base64');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.html'), staticPage({ script, worker, wasm, hash }));
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

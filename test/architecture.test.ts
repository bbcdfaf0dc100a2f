/** One direction of imports, held by reading the import lines. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Folder of shared/ to the folders it may import; errors.ts is open to all and imports nothing. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  tensor: ['bytes'],
  torch: ['bytes', 'tensor'],
  onnx: ['bytes', 'tensor'],
  convert: ['torch', 'onnx', 'tensor'],
  formats: ['bytes', 'torch'],
  // report: only for the types of the facts they find.
  runtime: ['bytes', 'tensor', 'report'],
  quantize: ['bytes', 'onnx', 'tensor', 'runtime', 'torch', 'report'],
  report: [],
  steps: ['bytes', 'tensor', 'torch', 'onnx', 'formats', 'convert', 'quantize', 'runtime', 'report'],
  pipeline: ['bytes', 'tensor', 'torch', 'onnx', 'formats', 'convert', 'quantize', 'runtime', 'report', 'steps'],
};

/** Foreign packages with one importing place each. */
const ONE_PLACE: Readonly<Record<string, RegExp>> = {
  protobufjs: /^shared\/onnx\/proto\//,
  'onnxruntime-node': /^shared\/runtime\/session\.ts$/,
  '@aws-sdk': /^functions\//,
  jsonata: /^local\/|^test\//,
  'aws-cdk-lib': /^infra\/|^test\/infra\//,
};

/** Imported from anywhere; they import nothing. */
const OPEN_TO_ALL = ['shared/choices.ts', 'shared/errors.ts', 'shared/version.ts'];

const sources = globSync(['shared/**/*.ts', 'functions/**/*.ts', 'local/**/*.ts', 'cli/**/*.ts', 'infra/**/*.ts'], {
  cwd: ROOT,
});

function imports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [
    ...text.matchAll(/^\s*(?:import|export)\b[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm),
  ].map((m) => m[1] ?? m[2] ?? m[3]!);
}

const folderOf = (file: string): string | null => /^shared\/([^/]+)\//.exec(file)?.[1] ?? null;

describe('imports', () => {
  test('there are files to look at', () => expect(sources.length).toBeGreaterThan(50));

  test('rooms import one direction only', () => {
    const wrong = sources.flatMap((file) => {
      const from = folderOf(file);
      if (!from) return [];
      return imports(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => relative(ROOT, resolve(ROOT, dirname(file), specifier)))
        .filter((target) => {
          if (OPEN_TO_ALL.includes(target)) return false;
          const to = folderOf(target);
          return to !== from && !(to && MAY_IMPORT[from]?.includes(to));
        })
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test.each(OPEN_TO_ALL)('%s imports nothing', (file) => expect(imports(file)).toEqual([]));

  test('foreign packages have one importing place', () => {
    const wrong = sources.flatMap((file) =>
      imports(file)
        .filter((specifier) =>
          Object.entries(ONE_PLACE).some(
            ([name, place]) => (specifier === name || specifier.startsWith(`${name}/`)) && !place.test(file),
          ),
        )
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('infra knows the state machine and the stages only', () => {
    const wrong = sources
      .filter((f) => f.startsWith('infra/'))
      .flatMap((file) =>
        imports(file)
          .filter(
            (s) =>
              s.includes('shared/') &&
              !/shared\/(errors|formats\/table|pipeline\/(machine\/(state-machine|batch-machine|stages?|asl)|workspace\/keys))\.ts$/.test(
                s,
              ),
          )
          .map((s) => `${file} imports ${s}`),
      );
    expect(wrong).toEqual([]);
  });
});

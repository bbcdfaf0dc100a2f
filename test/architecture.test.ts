/** One direction of imports, held by reading the import lines. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parameterLists } from './parameters.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** The folders of the product, and what tools make beside them. */
const FOLDERS = 'bench browser cli docs examples functions infra local serve shared test'.split(' ');
const MADE = 'node_modules dist cdk.out out'.split(' ');

test('nothing else lies at the top: no results, no trials', () => {
  const found = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = found.map(({ name }) => name).filter((name) => !name.startsWith('.'));
  expect(names.filter((name) => !FOLDERS.includes(name) && !MADE.includes(name))).toEqual([]);
});

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
  '@dagrejs/dagre': /^shared\/report\/graph\/layout\.ts$/,
  protobufjs: /^shared\/onnx\/proto\//,
  'onnxruntime-node': /^shared\/runtime\/onnxruntime\.ts$/,
  'onnxruntime-web': /^shared\/runtime\/onnxruntime-web\.ts$/,
  '@aws-sdk': /^functions\//,
  hono: /^serve\//,
  '@hono/node-server': /^serve\/listen\.ts$/,
  jsonata: /^local\/|^test\//,
  'aws-cdk-lib': /^infra\/|^test\/infra\//,
};

/** Imported from anywhere; they import nothing. */
const OPEN_TO_ALL = ['shared/choices.ts', 'shared/errors.ts', 'shared/nearest.ts', 'shared/version.ts'];

const sources = globSync(
  [
    'shared/**/*.ts',
    'functions/**/*.ts',
    'local/**/*.ts',
    'cli/**/*.ts',
    'infra/**/*.ts',
    'serve/**/*.ts',
    'browser/**/*.ts',
  ],
  {
    cwd: ROOT,
  },
);

function imports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [
    ...text.matchAll(/^\s*(?:import|export)\b[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm),
  ].map((m) => m[1] ?? m[2] ?? m[3]!);
}

const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Files whose values a file imports: `import type` leaves no trace when it runs. */
const valueImports = (file: string): string[] =>
  [
    ...textOf(file).matchAll(
      /^\s*(?:import|export)\b(?!\s+type\b)[^'";]*?from\s+'(\.[^']+)'|^import\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm,
    ),
  ].map((m) => relative(ROOT, resolve(ROOT, dirname(file), m[1] ?? m[2] ?? m[3]!)));

/** Groups of files that reach each other, each as one text. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const reached = new Map([...graph.keys()].map((file) => [file, reachable(graph, file)]));
  const groups = [...reached].flatMap(([file, all]) =>
    all.has(file)
      ? [
          [...all]
            .filter((other) => reached.get(other)?.has(file))
            .sort()
            .join(', '),
        ]
      : [],
  );
  return [...new Set(groups)];
}

function reachable(graph: ReadonlyMap<string, readonly string[]>, from: string): Set<string> {
  const seen = new Set<string>();
  const open = [...(graph.get(from) ?? [])];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    open.push(...(graph.get(file) ?? []));
  }
  return seen;
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
              !/shared\/(errors|formats\/table|pipeline\/(machine\/(state-machine|batch-machine|stages?|task|tiers|fargate-\w+|asl)|workspace\/keys))\.ts$/.test(
                s,
              ),
          )
          .map((s) => `${file} imports ${s}`),
      );
    expect(wrong).toEqual([]);
  });
});

/** Values that import each other, by nature: anything else is a table that carries code, or two ideas in one file. */
const CYCLES: readonly string[] = [
  // An argument may be a graph, and a graph has arguments.
  'shared/torch/exported/argument.ts, shared/torch/exported/graph.ts',
  // A Map state runs a machine.
  'local/distributed-map.ts, local/inline-map.ts, local/run-machine.ts, local/states.ts',
];

test('values import each other in the named cycles only', () => {
  expect(cyclesOf(new Map(sources.map((file) => [file, valueImports(file)]))).sort()).toEqual([...CYCLES].sort());
});

/** Lines for which 120 columns are too few. */
const LONG_LINES: readonly RegExp[] = [
  // A schema: `aten::op(...) -> Tensor`.
  /::[\w.${}?: ='_]+\(.*\) ->/,
  // A pattern.
  /^\s*\/.*\/[dgimsuyv]*[,;)]*$/,
  // A template of html or css.
  /html`|<\/?\w+[ >$]|^(?:[\w.][\w.>:, -]*\{.*\}|\S+\{.*\}|--|@media|<)/,
];

test('no line is longer than 120 columns, schemas, patterns and templates apart', () => {
  const long = sources.filter((file) =>
    textOf(file)
      .split('\n')
      .some((line) => line.length > 120 && !LONG_LINES.some((allowed) => allowed.test(line))),
  );
  expect(long).toEqual([]);
});

test('names of PyTorch operators are said in torch and convert only', () => {
  const wrong = sources.filter((file) => textOf(file).includes('aten::') && !/^shared\/(torch|convert)\//.test(file));
  expect(wrong).toEqual([]);
});

test('shared code does not ask which operator it has: the row of the operator says so', () => {
  const asking = sources
    .filter((file) => file.startsWith('shared/'))
    .flatMap((file) =>
      [...textOf(file).matchAll(/\.(?:op|target)\s*[!=]==\s*'.*/g)].map(([found]) => `${file}: ${found}`),
    );
  expect(asking).toEqual([]);
});

test('the median file has between 50 and 150 lines', () => {
  const lines = sources.map((file) => textOf(file).split('\n').length - 1).sort((a, b) => a - b);
  const median = lines[lines.length >> 1]!;
  expect(median).toBeGreaterThanOrEqual(50);
  expect(median).toBeLessThanOrEqual(150);
});

/** `op`, the builder that a converter or a form writes with, and `this` are the place and no argument. */
const besideBuilder = (parameters: readonly string[]): readonly string[] =>
  /^(?:op|this)\b/.test(parameters[0] ?? '') ? parameters.slice(1) : parameters;

const isBoolean = (parameter: string): boolean => /:\s*boolean\s*(?:=|$)|=\s*(?:true|false)$/.test(parameter);

/** Too many to tell apart by position, or a flag whose meaning a call does not say. Booleans only are an operator's. */
const isUnnamed = (parameters: readonly string[]): boolean =>
  parameters.length > 3 ||
  (parameters.length > 1 && isBoolean(parameters.at(-1)!) && !parameters.every((parameter) => isBoolean(parameter)));

test('beyond three values an object names them, and no flag comes last', () => {
  expect(parameterLists('const f = (op: B, a: A, b: B, c: C): void => {};')[0]!.parameters).toHaveLength(4);
  expect(isUnnamed(['x: A', 'y: B', 'z: C', 'w: D'])).toBe(true);
  expect(isUnnamed(['x: A', 'isOpen = false'])).toBe(true);
  const unnamed = sources.flatMap((file) =>
    parameterLists(textOf(file))
      .filter(({ parameters }) => isUnnamed(besideBuilder(parameters)))
      .map(({ line, parameters }) => `${file}:${line} (${parameters.join(', ')})`),
  );
  expect(unnamed).toEqual([]);
});

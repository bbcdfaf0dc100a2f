/** Every step of a conversion on models written as text. Applied again they change nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { declined, PassLog, type Rule } from '../../shared/onnx/pass.ts';
import { EVALUATORS } from '../../shared/onnx/passes/evaluate/evaluator.ts';
import { passOf, STAGES } from '../../shared/onnx/passes/index.ts';
import { producedBy } from '../../shared/onnx/match.ts';
import { OPS } from '../../shared/onnx/schema/index.ts';
import { casesIn, runCase, subjectOf, subjectsOf } from './pass-cases.ts';
import { typedModel } from './typed.ts';

const FOLDER = new URL('./passes/', import.meta.url);
const CASES = casesIn(FOLDER);
const SUBJECTS = subjectsOf(STAGES);

test('every evaluator belongs to an operator of the table', () => {
  expect(Object.keys(EVALUATORS).filter((op) => !(op in OPS))).toEqual([]);
});

test('every pass has a case, every case a pass', () => {
  expect([...SUBJECTS.keys()].filter((name) => !CASES.some((file) => subjectOf(file) === name))).toEqual([]);
  expect(CASES.filter((file) => !SUBJECTS.has(subjectOf(file)))).toEqual([]);
});

test.each(CASES)('%s', async (file) => {
  const { after, expected, again } = await runCase(FOLDER, file, SUBJECTS.get(subjectOf(file))!);
  expect(after).toBe(expected);
  expect(again).toBe(0);
});

describe('a new pass', () => {
  const doubleNegation: Rule = {
    name: 'double-negation',
    root: 'Neg',
    rewrite: (node) => producedBy(node.inputs[0], 'Neg')?.inputs[0] ?? declined('what it negates is not negated'),
  };
  const stages = [...STAGES, { name: 'new', untilStable: false, steps: [[doubleNegation]] }];
  const HEAD = '<ir_version: 10, opset_import: ["": 21]>\ng';

  test('is a row, and its case file finds it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torchferry-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const before = `${HEAD} (float[2] x) => (float[2] y) { a = Neg(x)\n b = Neg(a)\n y = Exp(b) }\n`;
    const after = `${HEAD} (float[2] x) => (float[2] y)\n{\n  y = Exp(x)\n}\n`;
    writeFileSync(join(folder, 'double-negation.01-gone.txt'), `${before}---\n${after}`);
    const [file] = casesIn(pathToFileURL(`${folder}/`));
    const outcome = await runCase(pathToFileURL(`${folder}/`), file!, subjectsOf(stages).get(subjectOf(file!))!);
    expect(outcome.after).toBe(outcome.expected);
    const model = typedModel(before);
    const log = new PassLog();
    passOf(stages).run(model, log);
    expect(log.results).toContainEqual({ pass: 'double-negation', changes: 1 });
  });

  test('may say why it leaves a node as it is', () => {
    const log = new PassLog();
    passOf(stages).run(typedModel(`${HEAD} (float[2] x) => (float[2] y) { y = Neg(x) }`), log);
    expect(log.left).toMatchObject([{ rule: 'double-negation', reason: 'what it negates is not negated' }]);
  });
});

test('reasons are kept for nodes that still stand', () => {
  const log = new PassLog();
  const text =
    'g (float[1,1,2] x) => (float[1,1,2] y, float[1,1,2] z) < float[1,1,1] w = {2}, float[1] s = {1} > ' +
    '{ c = Conv(x, w)\n y = BatchNormalization(c, s, s, s, s)\n z = Neg(c) }';
  passOf(STAGES).run(typedModel(`<ir_version: 10, opset_import: ["": 21]> ${text}`), log);
  expect(log.left.map(({ rule, node, reason }) => [rule, node.op, reason])).toEqual([
    ['fold-batch-norm', 'BatchNormalization', 'the result of the convolution is read elsewhere, too'],
  ]);
});

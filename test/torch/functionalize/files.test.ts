/**
 * Files PyTorch wrote for models that write in place: afterwards no operator writes, every name is computed once and
 * before it is read.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fileSource } from '../../../shared/bytes/file-source.ts';
import { flatOutputs, tensorNames } from '../../../shared/torch/functionalize/arguments.ts';
import { writerOf } from '../../../shared/torch/functionalize/writers.ts';
import { functionalize } from '../../../shared/torch/functionalize.ts';
import { openProgram } from '../../../shared/formats/open.ts';

const FOLDER = new URL('../../fixtures/functionalize/', import.meta.url);

/** What each model changes, from the list PyTorch's run gave with the files. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  mut_input: ['input x'],
  mut_input_returned_through_view: ['input x'],
  mut_nonpersistent_state: ['buffer h'],
};

describe('files', () => {
  for (const file of readdirSync(FOLDER)) {
    const name = file.replace('.pt2', '');
    it(name, async () => {
      const program = await openProgram(fileSource(fileURLToPath(new URL(file, FOLDER))));
      expect(program.graph.nodes.some((node) => writerOf(node) !== null)).toBe(true);
      const { program: pure, mutations } = functionalize(program);
      expect(pure.graph.nodes.filter((node) => writerOf(node) !== null)).toEqual([]);
      expect(mutations.map(({ kind, target }) => `${kind} ${target}`)).toEqual(CHANGES[name] ?? []);

      const computed = new Set(pure.graph.inputs.flatMap(tensorNames));
      for (const node of pure.graph.nodes) {
        expect(node.args.flatMap(({ value }) => tensorNames(value)).filter((read) => !computed.has(read))).toEqual([]);
        for (const output of flatOutputs(node).flatMap(tensorNames)) {
          expect(computed).not.toContain(output);
          expect(pure.graph.values.has(output)).toBe(true);
          computed.add(output);
        }
      }
      expect(
        [...pure.outputs.flatMap(({ value }) => tensorNames(value)), ...mutations.map(({ value }) => value!)].filter(
          (read) => !computed.has(read),
        ),
      ).toEqual([]);
      // What is functional stays the same object.
      expect(functionalize(pure).program).toBe(pure);
    });
  }
});

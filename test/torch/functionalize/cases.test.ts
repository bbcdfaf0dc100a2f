/**
 * Every `cases/*.txt`: a graph that writes, and after `---` the graph that only computes, with the state it changes; or
 * the refusal.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isFailure } from '../../../shared/errors.ts';
import { functionalize } from '../../../shared/torch/functionalize.ts';
import type { TorchProgram } from '../../../shared/torch/program.ts';
import { printTorchGraph } from '../../../shared/torch/text.ts';
import { programOf, readGraph } from './read-graph.ts';

const FOLDER = new URL('cases/', import.meta.url);

/** `symbols s0=4 u0=?` before the graph gives examples of the sizes. */
function symbolsOf(text: string): TorchProgram['symbols'] {
  const line = /^symbols (.*)$/m.exec(text)?.[1] ?? '';
  return new Map(
    line
      .split(' ')
      .filter(Boolean)
      .map((item) => {
        const [name, hint] = item.split('=');
        return [name!, { min: 2, max: null, hint: hint === '?' ? null : Number(hint) }];
      }),
  );
}

function functional(text: string): string {
  const program = programOf(readGraph(text.slice(text.indexOf('graph('))), symbolsOf(text));
  try {
    const { program: result, mutations } = functionalize(program);
    if (result === program) return 'unchanged';
    return [
      printTorchGraph(result.graph),
      ...mutations.map(({ kind, target, value }) => `changes ${kind} ${target}: ${value ?? 'unknown'}`),
    ].join('\n');
  } catch (error) {
    if (!isFailure(error)) throw error;
    return `refused ${error.message}`;
  }
}

describe('functionalize', () => {
  for (const file of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txt'))
    .sort()) {
    it(file, () => {
      const [before, after] = readFileSync(new URL(file, FOLDER), 'utf8').split('\n---\n');
      expect(functional(before!)).toBe(after!.trim());
    });
  }
});

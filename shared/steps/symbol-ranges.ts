/** The sizes a program allows for its symbolic dimensions, under the names the converted model gives them. */
import type { ReportedTensor } from '../report/report.ts';
import { symbolName } from '../tensor/dim.ts';
import type { SymbolRange, TorchProgram } from '../torch/program.ts';

export function symbolRanges(program: TorchProgram, inputs: readonly ReportedTensor[]): Record<string, SymbolRange> {
  const ranges: Record<string, SymbolRange> = {};
  const tensors = program.inputs.filter(
    (input) => input.kind === 'user' && (input.value.kind === 'tensor' || input.value.kind === 'symint'),
  );
  tensors.forEach((input, i) => {
    if (input.kind !== 'user' || input.value.kind !== 'tensor') return;
    const recorded = program.graph.values.get(input.value.name);
    if (recorded?.kind !== 'tensor') return;
    recorded.type.shape.forEach((dim, axis) => {
      const symbol = symbolName(dim);
      const name = inputs[i]?.shape[axis];
      const range = symbol === null ? undefined : program.symbols.get(symbol);
      if (range && typeof name === 'string') ranges[name] = { min: range.min, max: range.max };
    });
  });
  return ranges;
}

/** How much a program's weights are: each storage once, however many names share it. */
import type { TorchProgram } from '../torch/program.ts';

export function parameterSizes(program: TorchProgram): {
  readonly parameters: number;
  readonly parameterBytes: number;
} {
  const distinct = new Map([...program.weights.values()].map((data) => [data.identity, data]));
  const sizes = [...distinct.values()];
  return {
    parameters: sizes.reduce((n, d) => n + d.shape.reduce((a, b) => a * b, 1), 0),
    parameterBytes: sizes.reduce((n, d) => n + d.byteLength, 0),
  };
}

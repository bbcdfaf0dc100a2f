/** What became of operators on codes, counted. */
import type { OperatorCount, QuantizedOperator } from './report.ts';
import type { SkippedNode } from './quantization.ts';

export interface KernelSummary {
  /** How many are computed by integer kernels. */
  readonly integer: number;
  /** The kernels, most frequent first. */
  readonly kernels: readonly OperatorCount[];
  readonly float: readonly SkippedNode[];
}

export function kernelSummary(operators: readonly QuantizedOperator[]): KernelSummary {
  const kernels = operators.flatMap(({ kernel }) => (kernel === null ? [] : [kernel]));
  const counts = [...Map.groupBy(kernels, (kernel) => kernel)].map(([operator, all]) => ({
    operator,
    count: all.length,
  }));
  return {
    integer: kernels.length,
    kernels: counts.sort((a, b) => b.count - a.count || (a.operator < b.operator ? -1 : 1)),
    float: operators.flatMap(({ node, operator, kernel, reason }) =>
      kernel === null ? [{ node, operator, reason: reason ?? 'unknown' }] : [],
    ),
  };
}

/** What became of a model's operators on codes, in lines. */
import { byReason } from '../shared/report/by-reason.ts';
import { kernelSummary } from '../shared/report/kernels.ts';
import type { QuantizedOperator } from '../shared/report/report.ts';

/** `integer kernels: 11 of 12`, and a line for each reason the others have; none for a model without codes. */
export function kernelLines(kernels: readonly QuantizedOperator[]): readonly string[] {
  if (kernels.length === 0) return [];
  const { integer, float } = kernelSummary(kernels);
  return [
    `integer kernels: ${integer} of ${kernels.length}`,
    ...byReason(float).map(
      ({ reason, nodes }) =>
        `  in float: ${nodes.length} (${nodes[0]!.node}${nodes.length > 1 ? ', ...' : ''}): ${reason}`,
    ),
  ];
}

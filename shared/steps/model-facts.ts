/** What the report says of an ONNX model. */
import type { Model, Value } from '../onnx/ir.ts';
import type { OperatorCount, ReportedTensor } from '../report/report.ts';
import { dimText, isStatic } from '../tensor/dim.ts';

export const operatorCounts = (model: Model): OperatorCount[] =>
  countsOf([...model.graph.nodes].map(({ op, domain }) => (domain ? `${domain}.${op}` : op)));

/** Most frequent first. */
export function countsOf(operators: Iterable<string>): OperatorCount[] {
  const counts = new Map<string, number>();
  for (const operator of operators) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  return [...counts]
    .map(([operator, count]) => ({ operator, count }))
    .sort((a, b) => b.count - a.count || (a.operator < b.operator ? -1 : 1));
}

export const reportedTensor = ({ name, type }: Value): ReportedTensor => ({
  name,
  dtype: type?.dtype ?? 'unknown',
  shape: type?.shape.map((d) => (isStatic(d) ? d : dimText(d))) ?? [],
});

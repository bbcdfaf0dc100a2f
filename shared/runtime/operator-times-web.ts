/** `operator-times.ts` for browsers, where onnxruntime has no place to write its profile. */
import type { OperatorTimes } from '../report/report.ts';

export const operatorTimes = (_model: unknown, _request: unknown): Promise<OperatorTimes | null> =>
  Promise.resolve(null);

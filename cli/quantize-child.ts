/** The other side of `timed-quantization.ts`. */
import { answering } from '../local/child.ts';
import { quantizeFile } from '../shared/steps/quantize-file.ts';
import { withCalibration } from './calibration.ts';
import { lookedAt } from './looked-at.ts';
import type { QuantizationTask } from './timed-quantization.ts';

answering<QuantizationTask>(async ({ calibration, ...request }, { signal, tell }) => {
  const made = await withCalibration(calibration, (data) =>
    quantizeFile({ ...request, calibration: data, signal, tell }),
  );
  return lookedAt(made, request.path);
});

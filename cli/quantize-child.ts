/** The other side of `timed-quantization.ts`. */
import { answering } from '../local/child.ts';
import { quantizeFile } from '../shared/steps/quantize-file.ts';
import { withCalibration } from './calibration.ts';
import type { QuantizationTask } from './timed-quantization.ts';

answering<QuantizationTask>(({ calibration, ...request }, { signal, tell }) =>
  withCalibration(calibration, (data) => quantizeFile({ ...request, calibration: data, signal, tell })),
);

/** Calibration data of the command line: an .npz, or a folder of .npz and .npy files. */
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { SAMPLE_SUFFIXES } from '../shared/runtime/sample-files.ts';
import type { CalibrationData } from '../shared/steps/quantize-file.ts';
import { withSource } from './with-source.ts';

/** Open while the work goes on; files of a folder are opened one by one. */
export function withCalibration<T>(
  path: string | undefined,
  work: (data: CalibrationData | undefined) => Promise<T>,
): Promise<T> {
  if (path === undefined) return work(undefined);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return withSource(path, (source) => work({ source, name: source.name }));
  const files = readdirSync(path).filter((name) => SAMPLE_SUFFIXES.includes(extname(name)));
  return work({ name: basename(path), files: files.sort().map((name) => join(path, name)) });
}

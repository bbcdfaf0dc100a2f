/** The ONNX file of a step, or a word on what the file is instead and which command takes it. */
import { fileSource } from '../bytes/file-source.ts';
import { fail } from '../errors.ts';
import { open } from '../formats/open.ts';

/** Refuses with UnsupportedFormat what is known to be something else; what is not known is left to the reader. */
export async function requireOnnx(path: string): Promise<void> {
  const source = fileSource(path);
  try {
    const { kind, format, found, hint } = await open(source);
    if (kind === 'onnx' || format === 'unknown') return;
    fail('UnsupportedFormat', {
      file: path,
      found,
      hint:
        kind === 'program'
          ? `this takes an ONNX model: run "torchferry convert ${path}" first (with --dtype int8 for INT8 at once), ` +
            `or "torchferry run ${path}" for everything`
          : hint,
    });
  } finally {
    source.close();
  }
}

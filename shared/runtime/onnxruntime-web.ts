/** `onnxruntime.ts` for browsers, which bundlers put in its place (`browser` in package.json). */
import { env } from 'onnxruntime-web/wasm';

export { InferenceSession, Tensor } from 'onnxruntime-web/wasm';

export const RUNTIME = { name: 'onnxruntime-web', version: env.versions.web ?? 'unknown' };

/** Before the first session: its program, so that nothing is fetched. One thread, because several need headers of the host. */
export function useProgram(wasm: ArrayBuffer): void {
  env.wasm.wasmBinary = wasm;
  env.wasm.numThreads = 1;
}

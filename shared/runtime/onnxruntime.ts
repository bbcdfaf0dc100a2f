/** onnxruntime itself. In browsers `onnxruntime-web.ts` stands here. */
import './no-telemetry.ts';
import { env } from 'onnxruntime-node';

export { InferenceSession, Tensor } from 'onnxruntime-node';

export const RUNTIME = { name: 'onnxruntime-node', version: env.versions.node ?? 'unknown' };

/**
 * onnxruntime's Linux build reports usage unless it is told not to. A model converter has no business doing that:
 * imported before it.
 */
import { env } from 'node:process';

// The runtime reads this variable when the first session is created; a value the user has set stays.
env['ORT_DISABLE_TELEMETRY'] ??= '1';

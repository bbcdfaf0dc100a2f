/** The quantize stage as a Lambda function. */
import { run } from '../shared/pipeline/stages/quantize.ts';
import { stageHandler } from './stage-handler.ts';

export const handler = stageHandler('quantize', run);

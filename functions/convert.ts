/** The convert stage as a Lambda function. */
import { run } from '../shared/pipeline/stages/convert.ts';
import { stageHandler } from './stage-handler.ts';

export const handler = stageHandler('convert', run);

/** The validate stage as a Lambda function. */
import { run } from '../shared/pipeline/stages/validate.ts';
import { stageHandler } from './stage-handler.ts';

export const handler = stageHandler('validate', run);

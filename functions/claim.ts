/** The claim stage as a Lambda function. */
import { run } from '../shared/pipeline/stages/claim.ts';
import { stageHandler } from './stage-handler.ts';

export const handler = stageHandler('claim', run);

/** The batch report stage as a Lambda function. */
import { run } from '../shared/pipeline/stages/batch-report.ts';
import { stageHandler } from './stage-handler.ts';

export const handler = stageHandler('batchReport', run);

/** The report stage as a Lambda function. */
import { run } from '../shared/pipeline/stages/report.ts';
import { stageHandler } from './stage-handler.ts';

export const handler = stageHandler('report', run);

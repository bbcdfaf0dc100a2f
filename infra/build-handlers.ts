/** The functions of all stages and what a task runs into dist/handlers, for the package: a part of `npm run build`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STAGE_NAMES } from '../shared/pipeline/machine/stages.ts';
import { fargateProgram } from './fargate-command.ts';
import { writeHandler } from './handler.ts';

const FOLDER = join(import.meta.dirname, '../dist/handlers');

for (const stage of STAGE_NAMES) writeHandler(stage, join(FOLDER, stage));
writeFileSync(join(FOLDER, 'fargate.mjs'), fargateProgram());

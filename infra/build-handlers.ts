/** The functions of all stages into dist/handlers, for the package: a part of `npm run build`. */
import { join } from 'node:path';
import { STAGE_NAMES } from '../shared/pipeline/machine/stages.ts';
import { writeHandler } from './handler.ts';

for (const stage of STAGE_NAMES) writeHandler(stage, join(import.meta.dirname, '../dist/handlers', stage));

/** The stages of one place, in their order. */
import type { Place, Stage } from './stage.ts';
import { STAGE_NAMES, type StageName, STAGES } from './stages.ts';

export const stagesAt = (place: Place): readonly StageName[] =>
  STAGE_NAMES.filter((name) => STAGES[name].place === place);

/** The row of a stage, with what only some rows have. */
export const rowOf = (name: StageName): Stage => STAGES[name];

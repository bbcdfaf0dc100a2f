/** Ways to find scales and codes of blocks: a file and a row each. */
import type { WeightAlgorithm } from '../../choices.ts';
import type { Algorithm } from './algorithm.ts';
import { gptq } from './gptq.ts';
import { hqq } from './hqq.ts';
import { rtn } from './rtn.ts';

export const ALGORITHMS = { RTN: rtn, HQQ: hqq, GPTQ: gptq } as const satisfies Record<WeightAlgorithm, Algorithm>;

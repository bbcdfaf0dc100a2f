/** The processor of this machine. */
import { existsSync, readFileSync } from 'node:fs';
import { type HostProcessor, hostProcessor } from '../shared/runtime/host-processor.ts';

const CPUINFO = '/proc/cpuinfo';

export const thisProcessor = (): HostProcessor =>
  hostProcessor(process.arch, existsSync(CPUINFO) ? readFileSync(CPUINFO, 'utf8') : '');

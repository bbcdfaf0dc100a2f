/** The processor of this machine. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { type HostProcessor, hostProcessor } from '../shared/runtime/host-processor.ts';

const CPUINFO = '/proc/cpuinfo';

export function thisProcessor(): HostProcessor {
  const model = cpus()[0]?.model;
  return hostProcessor(process.arch, existsSync(CPUINFO) ? readFileSync(CPUINFO, 'utf8') : '', {
    ...(model ? { model } : {}),
    cores: availableParallelism(),
  });
}

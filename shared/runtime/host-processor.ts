/** How the processor of a machine adds 8-bit products, from what the machine says of itself. */
import { type Processor, PROCESSORS } from '../choices.ts';
import type { Products } from '../report/report.ts';

export interface HostProcessor {
  /** For people: `x64 with VNNI`. */
  readonly title: string;
  /** uint8 x int8 products are added in pairs of 16 bits, which saturate; true also where that is not known. */
  readonly addsPairsIn16Bits: boolean;
  /** What its maker calls it. */
  readonly model?: string;
  /** Those that this process may use. */
  readonly cores?: number;
}

/**
 * `arch`: as Node names it; `cpuinfo`: the text of /proc/cpuinfo, empty where there is none; `named`: what the
 * system says besides.
 */
export const hostProcessor = (
  arch: string,
  cpuinfo: string,
  named: Pick<HostProcessor, 'model' | 'cores'> = {},
): HostProcessor => ({ ...processorOf(arch, cpuinfo), ...named });

function processorOf(arch: string, cpuinfo: string): HostProcessor {
  if (arch !== 'x64') return { title: arch, addsPairsIn16Bits: false };
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(/\s+/);
  if (!flags) return UNKNOWN_PROCESSOR;
  const hasVnni = flags.includes('avx512_vnni') || flags.includes('avx_vnni');
  return { title: `x64 ${hasVnni ? 'with' : 'without'} VNNI`, addsPairsIn16Bits: !hasVnni };
}

/** For people: `AMD EPYC, x64 with VNNI`. */
export const processorText = ({ title, model }: HostProcessor): string =>
  model === undefined || model === 'unknown' ? title : `${model.trim()}, ${title}`;

export const UNKNOWN_PROCESSOR: HostProcessor = { title: 'a processor that is not known', addsPairsIn16Bits: true };

/**
 * With which options a model is judged here: those that give what the processor it is made for computes. By default,
 * unless this one saturates and that one does not.
 */
export const productsFor = (processor: Processor, host: HostProcessor): Products =>
  host.addsPairsIn16Bits && !PROCESSORS[processor].addsPairsIn16Bits ? 'precise' : 'default';

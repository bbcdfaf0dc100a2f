/** What a machine says of its processor. */
import { expect, test } from 'vitest';
import { hostProcessor } from '../../shared/runtime/host-processor.ts';

const flags = (text: string): string => `processor\t: 0\nflags\t\t: fpu ${text} sse\nbugs\t\t: none\n`;

test.each([
  ['x64', flags('avx2 avx512_vnni'), 'x64 with VNNI', false],
  ['x64', flags('avx2 avx_vnni'), 'x64 with VNNI', false],
  ['x64', flags('avx2 fma'), 'x64 without VNNI', true],
  ['x64', '', 'a processor that is not known', true],
  ['arm64', 'Features\t: fp asimd', 'arm64', false],
])('%s, %j', (arch, cpuinfo, title, addsPairsIn16Bits) => {
  expect(hostProcessor(arch, cpuinfo)).toEqual({ title, addsPairsIn16Bits });
});

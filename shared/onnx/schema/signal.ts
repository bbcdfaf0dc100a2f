/** Fourier transforms. */
import { addDims, type Dim, floorDivDims, isStatic, mulDims, subDims } from '../../tensor/dim.ts';
import { halfSpectrum } from './creation.ts';
import type { Inferred, OpCall, OpRow } from './row.ts';
import { axisIn, requireRank, typed } from './shape-rules.ts';

export const SIGNAL = {
  DFT: {
    since: [17, 20],
    inputs: 'input dft_length? axis?',
    outputs: 'output',
    attributes: {
      inverse: { kind: 'int', default: 0 },
      onesided: { kind: 'int', default: 0 },
      axis: { kind: 'int', optional: true, until: 20 },
    },
    infer: dft,
  },
  STFT: {
    since: [17],
    inputs: 'signal frame_step window? frame_length?',
    outputs: 'output',
    attributes: { onesided: { kind: 'int', default: 1 } },
    infer: (c) => {
      requireRank(c, 0, 3);
      const [batch, signal] = c.shape(0);
      const step = c.content(1)?.[0];
      const frame = c.has(3) ? c.content(3)?.[0] : c.has(2) ? c.shape(2)[0] : signal;
      const frames =
        step !== undefined && frame !== undefined
          ? addDims(floorDivDims(subDims(signal!, frame), step), 1)
          : c.unknownDim();
      const bins = frame === undefined ? c.unknownDim() : c.int('onesided') ? halfSpectrum(frame) : frame;
      return typed(c.dtypeOf(0), [batch!, frames, bins, 2]);
    },
  },
} as const satisfies Record<string, OpRow>;

function dft(c: OpCall): Inferred {
  const last = c.shape(0).at(-1)!;
  if (isStatic(last) && last !== 1 && last !== 2) throw new Error(`DFT: the last dimension is ${last}, not 1 or 2`);
  const given = c.has(2) ? c.numbers(2)?.[0] : c.attribute('axis') ? c.int('axis') : -2;
  if (given === undefined)
    return typed(
      c.dtypeOf(0),
      c.shape(0).map(() => c.unknownDim()),
    );
  const axis = axisIn(given, c.rank(0));
  const toReal = c.int('onesided') === 1 && c.int('inverse') === 1;
  const signal = c.shape(0)[axis]!;
  const natural: Dim = toReal ? mulDims(subDims(signal, 1), 2) : signal;
  const length = c.has(1) ? (c.content(1)?.[0] ?? c.unknownDim()) : natural;
  const bins = c.int('onesided') === 1 && !toReal ? halfSpectrum(length) : length;
  return typed(
    c.dtypeOf(0),
    c.shape(0).map((d, i) => (i === axis ? bins : i === c.rank(0) - 1 ? (toReal ? 1 : 2) : d)),
  );
}

import { describe, expect, test } from 'vitest';
import { dimOfParam } from '../../shared/onnx/dim-text.ts';
import {
  addDims,
  dimText,
  floorDivDims,
  maxDims,
  mulDims,
  roundDims,
  subDims,
  symbol,
  symbolName,
} from '../../shared/tensor/dim.ts';

const [s, t] = [symbol('s'), symbol('t.1')];

describe('dimensions come back from their text', () => {
  test.each([
    s,
    addDims(mulDims(2, s), 1),
    subDims(mulDims(s, s, t), mulDims(3, t)),
    subDims(0, s),
    floorDivDims(addDims(s, 3), 2),
    maxDims(s, floorDivDims(t, 7)),
    addDims(1, roundDims('trunc', { fn: 'mul', of: [0.7, { arg: 0 }] }, [addDims(mulDims(2, s), t)])),
    roundDims('ceil', { fn: 'sqrt', of: [{ fn: 'div', of: [{ arg: 0 }, 1e-7] }] }, [floorDivDims(s, 3)]),
  ])('%s', (dim) => {
    const read = dimOfParam(dimText(dim));
    expect(read).not.toBeNull();
    expect(dimText(read!)).toBe(dimText(dim));
  });
});

test.each(['unk__12', 'Conv_3_o0__d0', 'batch size', 'a+', 'f(x)', 'floordiv(a)', '(a', 'N'])(
  '%s is one name',
  (text) => {
    expect(symbolName(dimOfParam(text)!)).toBe(text);
  },
);

test.each(['', '3', '2 + 1'])('"%s" names nothing', (text) => {
  expect(dimOfParam(text)).toBeNull();
});

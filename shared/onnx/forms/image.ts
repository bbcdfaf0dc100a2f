/** Images: arguments that came later. */
import type { Builder } from '../builder.ts';
import type { Value } from '../ir.ts';
import { floatsOf } from '../schema/content.ts';
import type { OpCall } from '../schema/row.ts';
import { axesIn } from '../schema/shape-rules.ts';
import type { Forms } from './form.ts';

/** Opset 20 renamed the modes, as they are no longer for two dimensions only. */
const OLD_MODES: Readonly<Record<string, string>> = { linear: 'bilinear', cubic: 'bicubic', nearest: 'nearest' };

export const IMAGE_FORMS: Forms = {
  GridSample: [
    { below: 16, write: (c, op) => op.refuse(c.op, 'it exists since opset 16') },
    {
      below: 20,
      when: (c) => c.inputs[0]?.type?.shape.length !== 4,
      write: (c, op) => op.refuse(c.op, 'sampling of volumes exists since opset 20'),
    },
    // `node`: the old names are written as they are.
    {
      below: 20,
      write: (c, op) => op.node('GridSample', c.inputs, { ...c.given(), mode: OLD_MODES[c.string('mode')] })[0]!,
    },
  ],
  RoiAlign: [
    {
      below: 16,
      write: (c, op) => {
        if (c.string('coordinate_transformation_mode') !== 'output_half_pixel')
          op.refuse(c.op, 'aligned regions exist since opset 16');
        return op.node('RoiAlign', c.inputs, { ...c.given(), coordinate_transformation_mode: undefined })[0]!;
      },
    },
  ],
  Resize: [
    {
      below: 19,
      when: (c) => c.string('coordinate_transformation_mode') === 'half_pixel_symmetric',
      write: (c, op) => op.refuse(c.op, 'half_pixel_symmetric exists since opset 19'),
    },
    { below: 18, when: (c) => c.attribute('axes') !== null, write: resizeAllAxes },
  ],
};

/** Sizes or scales of the named axes, and for the others what leaves them as they are. */
function resizeAllAxes(c: OpCall, op: Builder): Value {
  if (c.has(1)) op.refuse(c.op, 'a region of some axes exists since opset 18');
  const axes = axesIn(c.ints('axes')!, c.rank(0));
  const attributes = { ...c.given(), axes: undefined };
  if (c.has(3)) {
    const places = c.shape(0).map((_, at) => (axes.includes(at) ? c.rank(0) + axes.indexOf(at) : at));
    const sizes = op.Gather([op.Concat([op.Shape([c.input(0)]), c.input(3)], { axis: 0 }), op.ints(places)]);
    return op.Resize([c.input(0), null, null, sizes], attributes);
  }
  const known =
    floatsOf(c, 2) ?? op.refuse(c.op, 'scales of some axes computed while the model runs exist since opset 18');
  const scales = c.shape(0).map((_, at) => (axes.includes(at) ? known[axes.indexOf(at)]! : 1));
  return op.Resize([c.input(0), null, op.tensor('float32', [scales.length], scales)], attributes);
}

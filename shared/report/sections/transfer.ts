/** What was carried over from a quantized PyTorch model, module by module. */
import { name, number, table, text } from '../elements.ts';
import { formatCount } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, type Html, shorten } from '../markup.ts';
import type { Transfer } from '../quantization.ts';

export const transferTable = ({ modules, operators }: Transfer, limits: Limits): Html =>
  table(
    {
      label: 'Carried over from PyTorch',
      caption: html`Carried over from PyTorch's INT8: codes and scales as they are in the file${
        operators === 0 ? null : `; besides these modules, ${formatCount(operators)} operators run on codes`
      }`,
      columns: [text('Module'), text('Node'), text('Mode'), number('Codes copied'), text('Scale of its output')],
      items: modules,
      cells: ({ module, node, mode, codes, scaleFrom }) => [
        name(module, limits),
        node === null ? null : name(node, limits),
        mode,
        codes === 0 ? null : formatCount(codes),
        scaleFrom === null ? 'float' : shorten(scaleFrom, limits.name),
      ],
    },
    limits,
  );

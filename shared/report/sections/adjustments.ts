/** What was done to layers so that quantization loses less, one line for each. */
import { ADJUSTMENTS } from '../../choices.ts';
import { name, table, text } from '../elements.ts';
import type { Limits } from '../limits.ts';
import { html, type Html, shorten } from '../markup.ts';
import type { Adjustment } from '../quantization.ts';

export const adjustmentTable = (adjustments: readonly Adjustment[], limits: Limits): Html | null =>
  adjustments.length === 0
    ? null
    : table(
        {
          label: 'Done for accuracy',
          caption: html`What was done to layers so that they lose less`,
          columns: [text('What'), text('Layer'), text('Operator'), text('How')],
          items: adjustments,
          cells: ({ method, layer, operator, what }) => [
            ADJUSTMENTS[method].title,
            name(layer, limits),
            name(operator, limits),
            html`<span class="prose">${shorten(what, limits.text)}</span>`,
          ],
        },
        limits,
      );

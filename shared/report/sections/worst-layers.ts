/** The layers INT8 hurts most, by SQNR. */
import { barChart, type Bar } from '../chart.ts';
import { exact, name, number, table, text, twin } from '../elements.ts';
import { formatDecibels, formatNumber, formatShort } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Html } from '../markup.ts';
import type { LayerError } from '../quantization.ts';

const COLUMNS = [text('Layer'), text('Operator'), text('Module'), number('SQNR'), number('Max diff.')];

// Here a tenth of the signal's energy is noise.
const BAD_DECIBELS = 10;

const bar =
  (limits: Limits) =>
  ({ layer, operator, sqnr }: LayerError): Bar => ({
    label: layer,
    from: 0,
    to: sqnr ?? Infinity,
    shown: sqnr === null ? 'equal' : formatDecibels(sqnr),
    detail:
      `${shorten(layer, limits.name)}, ${shorten(operator, limits.name)}: ` + (sqnr === null ? 'equal' : `${sqnr} dB`),
    mark: sqnr !== null && sqnr < BAD_DECIBELS ? 'bad' : 'plain',
  });

/** The chart and its table. `at` keeps ids apart when several variants show their layers. */
export function worstLayers(
  layers: readonly LayerError[],
  at: number,
  limits: Limits,
): { readonly chart: Html; readonly rows: Html } | null {
  if (!layers.length) return null;
  const worst = layers.slice(0, limits.bars);
  const title =
    `Layers furthest from FP32: the worst ${worst.length} of ${layers.length} by SQNR; ` +
    `shorter is worse, red is below ${BAD_DECIBELS} dB`;
  const chart = barChart({
    id: `chart-layers-${at}`,
    title,
    axis: 'SQNR, dB',
    tick: formatShort,
    layout: 'above',
    bars: worst.map(bar(limits)),
  });
  const rows = table(
    {
      label: 'Layers by SQNR, worst first',
      columns: COLUMNS,
      items: layers,
      cells: (l) => [
        name(l.layer, limits),
        name(l.operator, limits),
        l.module ? name(l.module, limits) : '–',
        exact(l.sqnr === null ? 'equal' : formatDecibels(l.sqnr), String(l.sqnr)),
        exact(formatNumber(l.maxAbsDiff), String(l.maxAbsDiff)),
      ],
    },
    limits,
  );
  return {
    chart: html`<figure><figcaption>${title}</figcaption>${chart}</figure>`,
    rows: twin('All layers as a table', rows),
  };
}

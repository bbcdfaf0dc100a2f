/** What came out of the conversion: inputs, outputs, figures, passes. */
import { exact, facts, number, table, text, type Section } from '../elements.ts';
import { formatBytes, formatCount } from '../format.ts';
import type { Limits } from '../limits.ts';
import { html, shorten, type Html } from '../markup.ts';
import type { Conversion, Report, ReportedTensor } from '../report.ts';

const WEIGHTS = {
  embed: 'inside the model file',
  pack: 'in one file next to the model',
  link: 'left in the source file, linked as external data',
} as const satisfies Record<Conversion['weights'], string>;

const DIMENSIONS_SHOWN = 16;

/** float32[batch, 3, 224, 224] */
function typeBadge({ dtype, shape }: ReportedTensor, limits: Limits): Html {
  const dims = shape.slice(0, DIMENSIONS_SHOWN).map((dim) => shorten(String(dim), limits.name));
  const rest = shape.length > dims.length ? [`… ${shape.length - dims.length} more`] : [];
  return html`<code class="type"><b>${shorten(dtype, limits.name)}</b>[${[...dims, ...rest].join(', ')}]</code>`;
}

const tensors = (label: string, items: readonly ReportedTensor[], limits: Limits): Html =>
  table(
    {
      label,
      columns: [text(label), text('Type')],
      items,
      cells: (tensor) => [
        html`<code>${shorten(tensor.name, limits.name)}</code>${origin(tensor, limits)}`,
        typeBadge(tensor, limits),
      ],
    },
    limits,
  );

const FROM = { job: 'chosen in the job', program: null, graph: null } as const;

/** Other names of it, by which data may call it, and that the job chose this one. */
function origin({ named }: ReportedTensor, limits: Limits): Html | null {
  if (!named) return null;
  const other = named.aliases.map((alias) => shorten(alias, limits.name)).join(', ');
  const notes = [FROM[named.from], other === '' ? null : `also ${other}`].filter((note) => note !== null);
  return notes.length ? html` <small>${notes.join('; ')}</small>` : null;
}

const passes = ({ passes: ran }: Conversion, limits: Limits): Html =>
  table(
    {
      label: 'Passes and changes',
      columns: [text('Pass'), number('Changes')],
      items: ran,
      cells: ({ pass, changes }) => [html`<code>${shorten(pass, limits.name)}</code>`, formatCount(changes)],
    },
    limits,
  );

const LISTED = 12;

/** As code, the first few of them. */
function listed(all: readonly string[], limits: Limits): Html {
  const rest = all.length > LISTED ? html`, and ${all.length - LISTED} more` : null;
  return html`${all.slice(0, LISTED).map((text, i) => html`${i ? ', ' : ''}<code>${shorten(text, limits.name)}</code>`)}${rest}`;
}

export function model({ conversion: c }: Report, limits: Limits): Section | null {
  if (!c) return null;
  const body = html`${facts([
    ['Parameters', formatCount(c.parameters)],
    ['Parameter bytes', exact(formatBytes(c.parameterBytes), `${formatCount(c.parameterBytes)} bytes`)],
    ['Weights', WEIGHTS[c.weights]],
    ['Nodes', `${formatCount(c.torchNodes)} in PyTorch, ${formatCount(c.onnxNodes)} in ONNX`],
    ['Opset', formatCount(c.opset)],
    ['IR version', formatCount(c.irVersion)],
    ...(c.validFor?.length ? [['Valid for', listed(c.validFor, limits)] as const] : []),
    ...(c.losesNaN?.length
      ? [['NaN may get lost in', html`${listed(c.losesNaN, limits)} (<code>nan: "exact"</code> carries it)`] as const]
      : []),
  ])}<div class="trio">${tensors('Inputs', c.inputs, limits)}${tensors('Outputs', c.outputs, limits)}${c.passes.length ? passes(c, limits) : null}</div>`;
  return { id: 'model', title: 'Inputs, outputs, conversion', body };
}

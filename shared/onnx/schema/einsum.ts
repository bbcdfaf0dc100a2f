/** The shape an Einsum equation gives. */
import type { Dim } from '../../tensor/dim.ts';
import { broadcastDim, broadcastShapes } from './shape-rules.ts';

const ELLIPSIS = '...';

/** Letters of one term in order, with `...` as one of them. */
const labelsOf = (term: string): string[] => term.match(/\.\.\.|[A-Za-z]/g) ?? [];

export function einsumShape(equation: string, shapes: readonly (readonly Dim[])[], unknown: () => Dim): Dim[] {
  const [left, right] = equation.replaceAll(/\s/g, '').split('->');
  const terms = left!.split(',').map(labelsOf);
  if (terms.length !== shapes.length)
    throw new Error(`Einsum "${equation}" names ${terms.length} inputs, got ${shapes.length}`);
  const sizes = new Map<string, Dim>();
  const ellipses: (readonly Dim[])[] = [];
  terms.forEach((labels, i) => {
    for (const [label, dims] of matchTerm(equation, labels, shapes[i]!)) {
      if (label === ELLIPSIS) ellipses.push(dims);
      else sizes.set(label, broadcastDim(sizes.get(label) ?? 1, dims[0]!, unknown));
    }
  });
  const batch = broadcastShapes(ellipses, unknown);
  const output = right === undefined ? implicitOutput(terms) : labelsOf(right);
  return output.flatMap((label) => (label === ELLIPSIS ? batch : [sizes.get(label) ?? unnamed(equation, label)]));
}

function matchTerm(equation: string, labels: readonly string[], shape: readonly Dim[]): [string, readonly Dim[]][] {
  const covered = shape.length - (labels.length - (labels.includes(ELLIPSIS) ? 1 : 0));
  if (covered < 0 || (covered > 0 && !labels.includes(ELLIPSIS)))
    throw new Error(`Einsum "${equation}": "${labels.join('')}" does not fit rank ${shape.length}`);
  let at = 0;
  return labels.map((label) => {
    const from = at;
    at += label === ELLIPSIS ? covered : 1;
    return [label, shape.slice(from, at)];
  });
}

/** Without `->`: the ellipsis, then the letters that occur once, in alphabetical order. */
function implicitOutput(terms: readonly (readonly string[])[]): string[] {
  const all = terms.flat();
  const once = all.filter((label) => label !== ELLIPSIS && all.indexOf(label) === all.lastIndexOf(label));
  return [...(all.includes(ELLIPSIS) ? [ELLIPSIS] : []), ...once.sort()];
}

const unnamed = (equation: string, label: string): never => {
  throw new Error(`Einsum "${equation}": no input names "${label}"`);
};

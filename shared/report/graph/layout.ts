/** Where boxes and arrows of a view stand: the only place that imports dagre. */
import dagre from '@dagrejs/dagre';
import type { View } from './views.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Placed {
  readonly width: number;
  readonly height: number;
  /** Centre of each box, in the order of the view. */
  readonly boxes: readonly Point[];
  /** Corners of each arrow, in the order of the view. */
  readonly arrows: readonly (readonly Point[])[];
}

/** In pixels. */
export const BOX = { width: 176, height: 44 } as const;

/**
 * Boxes and arrows that are placed for one page: a picture full of them takes a quarter of a second, and a graph may
 * have thousands of pictures.
 */
const MOST_PLACED = 3000;

/**
 * Lays views out; those of the same shape, as the layers of a transformer are, once. null: there have been too many
 * of other shapes already.
 */
export function makeLayout(most = MOST_PLACED): (view: Pick<View, 'boxes' | 'arrows'>) => Placed | null {
  const known = new Map<string, Placed>();
  let placed = 0;
  return ({ boxes, arrows }) => {
    const shape = `${boxes.length}: ${arrows.join(' ')}`;
    const found = known.get(shape);
    if (found) return found;
    if (placed > most) return null;
    placed += boxes.length + arrows.length;
    const made = laidOut(boxes.length, arrows);
    known.set(shape, made);
    return made;
  };
}

// Groups may lead into each other both ways: dagre turns arrows around where it has to.
function laidOut(boxes: number, arrows: View['arrows']): Placed {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 18, ranksep: 26 });
  for (let box = 0; box < boxes; box++) graph.setNode(`${box}`, { ...BOX });
  for (const [from, to] of arrows) graph.setEdge(`${from}`, `${to}`, {});
  dagre.layout(graph);
  const places = Array.from({ length: boxes }, (_, box) => graph.node(`${box}`) as Point);
  const lines = arrows.map(
    ([from, to]) => (graph.edge(`${from}`, `${to}`) as { readonly points: readonly Point[] }).points,
  );
  return inFrame(places, lines);
}

const MARGIN = 8;

/** dagre's own frame leaves arrows out that go around everything. */
function inFrame(boxes: readonly Point[], arrows: readonly (readonly Point[])[]): Placed {
  const corners = [
    ...boxes.flatMap(({ x, y }) => [
      { x: x - BOX.width / 2, y: y - BOX.height / 2 },
      { x: x + BOX.width / 2, y: y + BOX.height / 2 },
    ]),
    ...arrows.flat(),
  ];
  const [left, right] = [Math.min(...corners.map(({ x }) => x)), Math.max(...corners.map(({ x }) => x))];
  const [top, bottom] = [Math.min(...corners.map(({ y }) => y)), Math.max(...corners.map(({ y }) => y))];
  const shifted = ({ x, y }: Point): Point => ({ x: x - left + MARGIN, y: y - top + MARGIN });
  return {
    width: right - left + 2 * MARGIN,
    height: bottom - top + 2 * MARGIN,
    boxes: boxes.map(shifted),
    arrows: arrows.map((points) => points.map(shifted)),
  };
}

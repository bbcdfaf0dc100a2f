/** Where everything stands in the picture of the pipeline: stages in rows by their place, what they use around them. */
import type { Place, Stage } from '../../../shared/pipeline/machine/stage.ts';
import { type Box, bottom, heightOf, type Rectangle, right, wrap } from './shapes.ts';

export type Table = Readonly<Record<string, Stage>>;
type Row = 'conversion' | 'failure' | 'batch';
type Named = readonly [name: string, stage: Stage];

/** A row from left to right. */
const ROW_OF: Readonly<Record<Place, Row>> = {
  start: 'conversion',
  job: 'conversion',
  variant: 'conversion',
  end: 'conversion',
  failed: 'failure',
  batch: 'batch',
};

const MARGIN = 20;
const WIDTH = 164;
const GAP = 26;
const INSET = 14;
/** Room for the title of a frame. */
const TITLE = 28;

const columnX = (column: number): number => MARGIN + INSET + column * (WIDTH + GAP);
const spanOf = (columns: number): number => columns * WIDTH + (columns - 1) * GAP;

const linesOf = ({ doing, memoryMb, needsOnnxRuntime, only }: Stage): readonly string[] => [
  ...wrap(doing + (only ? ', where wanted' : ''), WIDTH),
  `${memoryMb} MB${needsOnnxRuntime ? ', onnxruntime' : ''}`,
];

/** In the order of the places, and of the table. */
function stagesOf(table: Table, row: Row): readonly Named[] {
  const places = Object.keys(ROW_OF).filter((place) => ROW_OF[place as Place] === row);
  return places.flatMap((place) => Object.entries(table).filter(([, stage]) => stage.place === place));
}

/** Side by side from a column on, all as high as the tallest. */
function rowOf(stages: readonly Named[], y: number, column: number): readonly Box[] {
  const height = heightOf(Math.max(...stages.map(([, stage]) => linesOf(stage).length)));
  return stages.map(([name, stage], i) => ({
    kind: 'stage',
    title: name.charAt(0).toUpperCase() + name.slice(1),
    lines: linesOf(stage),
    ...{ x: columnX(column + i), y, width: WIDTH, height },
  }));
}

interface Space {
  readonly above: number;
  readonly below: number;
  readonly beside: number;
}

function around(boxes: readonly Rectangle[], { above, below, beside }: Space): Rectangle {
  const x = Math.min(...boxes.map((each) => each.x)) - beside;
  const y = Math.min(...boxes.map((each) => each.y)) - above;
  const width = Math.max(...boxes.map(right)) + beside - x;
  return { x, y, width, height: Math.max(...boxes.map(bottom)) + below - y };
}

/** Boxes by what they are, and the frames around them. */
export interface Layout {
  readonly input: Box;
  /** The stages of a batch, and between the first and the others what starts conversions. */
  readonly batch: readonly Box[];
  readonly each: Box;
  readonly batchFrame: Rectangle;
  /** The stages of a conversion. */
  readonly conversion: readonly Box[];
  readonly variants: Rectangle;
  readonly conversionFrame: Rectangle;
  /** The report of a failure, and the stages after it. */
  readonly failure: readonly Box[];
  readonly work: Box;
  readonly bus: Box;
  readonly output: Box;
  readonly width: number;
  readonly height: number;
}

export function layout(table: Table): Layout {
  const [stages, failed, many] = [stagesOf(table, 'conversion'), stagesOf(table, 'failure'), stagesOf(table, 'batch')];
  const columns = Math.max(stages.length, failed.length + 4, many.length + 3);
  const last = columns - 1;

  const [plan, ...others] = rowOf(many, MARGIN + TITLE, 1) as [Box, ...Box[]];
  const reports = others.map((report, i) => ({ ...report, x: columnX(columns - others.length + i) }));
  const width = spanOf(last - many.length);
  const over = wrap('over a manifest or a prefix; so many at once, so many may fail', width);
  const each: Box = { ...plan, kind: 'service', title: 'Distributed Map', lines: over, x: columnX(2), width };
  const batch = [plan, each, ...reports];
  const batchFrame = around(batch, { above: TITLE, below: INSET, beside: INSET });

  const conversion = rowOf(stages, bottom(batchFrame) + 86, 0);
  const inner = conversion.filter((_, i) => stages[i]![1].place === 'variant');
  const variants = around(inner, { above: 10, below: TITLE, beside: INSET / 2 });
  const lane = bottom(variants) + 30;
  const after = rowOf(failed, lane, 3);
  const [caught] = rowOf([['report', table['report']!]], lane, 2) as [Box];
  const says = wrap('of the failure, with its code and next step', WIDTH);
  const failure = [{ ...caught, lines: says, height: Math.max(heightOf(says.length), after[0]!.height) }, ...after];
  const conversionFrame = around([...conversion, ...failure], { above: 38, below: INSET, beside: INSET });

  const foot = (column: number, span: number): Rectangle => ({
    ...{ x: columnX(column), y: bottom(conversionFrame) + 44, width: spanOf(span), height: heightOf(2) },
  });
  const output = foot(last, 1);
  return {
    ...{ batch, each, batchFrame, conversion, variants, conversionFrame, failure },
    input: {
      kind: 'bucket',
      title: 'Input bucket',
      lines: wrap('models, jobs, data; versioned', WIDTH),
      ...{ x: columnX(0) - INSET, y: batchFrame.y, width: WIDTH, height: batchFrame.height },
    },
    work: {
      kind: 'bucket',
      title: 'Work bucket',
      lines: ['claims, facts of jobs, items of batches;', 'they expire'],
      ...foot(0, 2),
    },
    bus: {
      kind: 'service',
      title: 'EventBridge',
      lines: ['model.conversion.completed, .failed', 'model.batch.completed, .failed'],
      ...foot(2, last - 2),
    },
    output: { kind: 'bucket', title: 'Output bucket', lines: wrap('models, reports, latest.json', WIDTH), ...output },
    width: right(output) + INSET + MARGIN,
    height: bottom(output) + MARGIN,
  };
}

export const boxesOf = ({ input, batch, conversion, failure, work, bus, output }: Layout): readonly Box[] => [
  ...[input, ...batch, ...conversion, ...failure, work, bus, output],
];

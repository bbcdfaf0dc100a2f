/** docs/pictures/architecture.svg: the pipeline on AWS, its stages from their table. */
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { html, type Html } from '../../shared/report/markup.ts';
import { boxesOf, layout, type Layout } from './picture/layout.ts';
import { across, bottom, type Box, box, down, downAround, frame, joining, middle, right } from './picture/shapes.ts';
import { STYLE } from './picture/style.ts';

const ABOUT =
  'An upload to the input bucket starts the conversion: Claim, Convert, then for each variant Quantize and Validate, ' +
  'then Report. Any failure is reported and announced, and the job given back. A batch starts a conversion for each ' +
  'model of a manifest or prefix. Results go to the output bucket, events to EventBridge.';

const following = (boxes: readonly Box[]): Html[] =>
  boxes.slice(1).map((to, i) => across(to.y + Math.min(boxes[i]!.height, to.height) / 2, [right(boxes[i]!), to.x]));

/** What ends in the report of a failure: each stage alone, those of the variants together. */
function caught({ conversion, variants, failure }: Layout): Html[] {
  const report = failure[0]!;
  const bend = { y: report.y - 14, x: middle(report) };
  const isInside = (one: Box): boolean => one.x >= variants.x && right(one) <= right(variants);
  const from = [...conversion.filter((one) => !isInside(one)), variants];
  return [...from.map((one) => joining(middle(one) - 20, bottom(one), bend)), down(bend.x, [bend.y, report.y])];
}

function arrows(picture: Layout): Html[] {
  const { input, batch, each, conversion, conversionFrame, failure, work, bus, output } = picture;
  const report = conversion.at(-1)!;
  const ends = bottom(report);
  return [
    ...[batch, conversion, failure].flatMap(following),
    ...caught(picture),
    down(middle(input), [bottom(input), conversionFrame.y], 'every upload'),
    down(middle(each), [bottom(each), conversionFrame.y], 'every model'),
    down(middle(failure[0]!), [bottom(failure[0]!), bus.y], 'failed'),
    downAround(middle(report), [ends, bus.y], { y: bus.y - 22, x: right(bus) - 40 }),
    down(middle(report) + 30, [ends, output.y]),
    down(middle(work), [bottom(conversionFrame), work.y]),
  ];
}

export function architecturePicture(): string {
  const picture = layout(STAGES);
  const { width, height, batchFrame, conversionFrame, variants } = picture;
  const drawn = [
    frame(batchFrame, { kind: 'machine', title: 'Batch: a state machine that you start' }),
    frame(conversionFrame, {
      kind: 'machine',
      title: 'Conversion: a state machine; its stages are Lambda functions, or Fargate tasks for large models',
    }),
    frame(variants, { kind: 'dashed', title: 'for every variant: FP32, INT8, INT4' }),
    ...boxesOf(picture).map(box),
    ...arrows(picture),
  ];
  return `${html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title about">
<title id="title">torchferry on AWS</title>
<desc id="about">${ABOUT}</desc>
<style>${STYLE}</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8Z"/></marker></defs>
<rect class="ground" width="${width}" height="${height}"/>${drawn}
</svg>`}\n`;
}

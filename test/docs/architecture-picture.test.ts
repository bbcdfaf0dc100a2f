/** The picture of the pipeline has every stage, one that is added too; nothing lies on another, all text has its room. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { boxesOf, layout, type Table } from '../../docs/generate/picture/layout.ts';
import { bottom, type Rectangle, right } from '../../docs/generate/picture/shapes.ts';
import type { Place } from '../../shared/pipeline/machine/stage.ts';
import { STAGE_NAMES, STAGES } from '../../shared/pipeline/machine/stages.ts';
import { PAGES, ROOT } from './pages.ts';

const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.x < right(b) && b.x < right(a) && a.y < bottom(b) && b.y < bottom(a);

/** What is wrong with the picture of a table, in words. */
function problems(table: Table): string[] {
  const picture = layout(table);
  const boxes = boxesOf(picture);
  const titles = boxes.map(({ title }) => title.toLowerCase());
  return [
    ...Object.keys(table).flatMap((name) => (titles.includes(name.toLowerCase()) ? [] : [`${name} is not drawn`])),
    ...boxes.flatMap((a, i) =>
      boxes.slice(i + 1).flatMap((b) => (overlap(a, b) ? [`${a.title} lies on ${b.title}`] : [])),
    ),
    ...boxes.flatMap((each) =>
      each.x < 0 || each.y < 0 || right(each) > picture.width || bottom(each) > picture.height
        ? [`${each.title} is cut off`]
        : [],
    ),
    // 12.5 px of a sans-serif: 6.2 px a character on the average.
    ...boxes.flatMap(({ title, width, height, lines }) =>
      lines.some((line) => line.length * 6.2 > width - 20) || lines.length * 16 + 26 > height
        ? [`the text of ${title} has no room`]
        : [],
    ),
  ];
}

test('every stage is drawn', () => expect(problems(STAGES)).toEqual([]));

test.each<Place>(['start', 'job', 'variant', 'end', 'failed', 'batch'])('and one more that stands at "%s"', (place) => {
  expect(
    problems({ ...STAGES, scan: { ...STAGES.validate, place, doing: 'looking for what should not be there' } }),
  ).toEqual([]);
});

test('a stage at a place that the picture does not know is seen to be missing', () => {
  expect(problems({ ...STAGES, scan: { ...STAGES.validate, place: 'elsewhere' as Place } })).toEqual([
    'scan is not drawn',
  ]);
});

describe('the file', () => {
  const svg = readFileSync(join(ROOT, 'docs/pictures/architecture.svg'), 'utf8');

  it('has the stages as text, a title, a description, and both colour schemes', () => {
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!.toLowerCase());
    expect(STAGE_NAMES.filter((name) => !texts.includes(name.toLowerCase()))).toEqual([]);
    expect(svg).toMatch(/role="img" aria-labelledby="title about"/);
    expect(svg).toMatch(/<title id="title">.+<\/title>\n<desc id="about">.{100,}<\/desc>/);
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
  });

  it('asks for nothing from elsewhere and runs nothing', () => {
    expect(svg).not.toMatch(/<script|<image|href=|@import|url\((?!#)| on\w+=/);
  });

  it('is shown with a text in its place', () => {
    const shown = PAGES.flatMap(({ path, text }) =>
      [...text.matchAll(/!\[([^\]]*)\]\([^)]*architecture\.svg\)/g)].map(([, alt]) => [path, alt!.length > 80]),
    );
    expect(shown).toEqual([
      ['ARCHITECTURE.md', true],
      ['README.md', true],
      ['docs/aws.md', true],
    ]);
  });
});

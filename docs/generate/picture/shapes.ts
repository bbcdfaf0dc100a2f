/** What a picture is drawn with: boxes with lines of text, frames around them, arrows between them. */
import { html, type Html } from '../../../shared/report/markup.ts';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Box extends Rectangle {
  /** Its look: a class of the style sheet. */
  readonly kind: 'stage' | 'service' | 'bucket';
  readonly title: string;
  readonly lines: readonly string[];
}

const LINE_HEIGHT = 16;
/** Width of a character of 12.5 px, generous. */
const CHARACTER = 6.4;
const PADDING = 10;

export const middle = ({ x, width }: Rectangle): number => x + width / 2;
export const bottom = ({ y, height }: Rectangle): number => y + height;
export const right = ({ x, width }: Rectangle): number => x + width;

/** Words in lines that fit a width. */
export function wrap(text: string, width: number): string[] {
  const most = Math.floor((width - 2 * PADDING) / CHARACTER);
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = [...lines.slice(-1), word].join(' ');
    if (lines.length && longer.length <= most) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const HEAD = 26;
export const heightOf = (lines: number): number => HEAD + lines * LINE_HEIGHT + PADDING / 2;

export const box = ({ x, y, width, height, kind, title, lines }: Box): Html => html`
<g class="${kind}">
<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>
<text class="title" x="${x + PADDING}" y="${y + 20}">${title}</text>
${lines.map((line, i) => html`<text x="${x + PADDING}" y="${y + HEAD + 12 + i * LINE_HEIGHT}">${line}</text>\n`)}</g>`;

/** Around boxes; `dashed` is a part of what is drawn around it. */
export const frame = (
  { x, y, width, height }: Rectangle,
  { title, kind }: { readonly title: string; readonly kind: 'machine' | 'dashed' },
): Html => html`
<g class="${kind}">
<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>
<text x="${x + PADDING}" y="${kind === 'machine' ? y + 18 : y + height - 7}">${title}</text>
</g>`;

type Stretch = readonly [from: number, to: number];

const arrowAlong = (path: string, label: Html | null = null): Html => html`
<g class="arrow"><path d="${path}" marker-end="url(#head)"/>${label}</g>`;

/** `says` stands behind the middle. */
export const down = (x: number, [from, to]: Stretch, says?: string): Html =>
  arrowAlong(
    `M${x} ${from}V${to}`,
    says === undefined ? null : html`<text x="${x + 8}" y="${(from + to) / 2 + 4}">${says}</text>`,
  );

export const across = (y: number, [from, to]: Stretch): Html => arrowAlong(`M${from} ${y}H${to}`);

interface Bend {
  readonly y: number;
  readonly x: number;
}

/** Down, along the bend, and down again. */
export const downAround = (x: number, [from, to]: Stretch, bend: Bend): Html =>
  arrowAlong(`M${x} ${from}V${bend.y}H${bend.x}V${to}`);

/** Down and along the bend, where it joins an arrow: it has no head. */
export const joining = (x: number, from: number, bend: Bend): Html => html`
<path class="line" d="M${x} ${from}V${bend.y}H${bend.x}"/>`;

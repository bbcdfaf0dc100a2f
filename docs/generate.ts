/** Pages and pictures of docs/ that are made of tables of the project: `npm run docs` writes them, a test holds them to the tables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { architecturePicture } from './generate/architecture.ts';
import { operatorsPage } from './generate/operators.ts';
import { troubleshootingPage } from './generate/troubleshooting.ts';

/** File name to what is in it. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'operators.md': operatorsPage,
  'pictures/architecture.svg': architecturePicture,
  'troubleshooting.md': troubleshootingPage,
};

if (import.meta.main)
  for (const [name, page] of Object.entries(PAGES)) writeFileSync(join(import.meta.dirname, name), page());

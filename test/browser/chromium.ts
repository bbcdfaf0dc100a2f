/** Chromium for tests of pages, and what every page is held to. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (CHROMIUM === undefined) console.warn('skipped: Chromium is not installed (apt-get install chromium)');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });

export const launchWithProfile = (folder: string): Promise<BrowserContext> =>
  chromium.launchPersistentContext(folder, { executablePath: CHROMIUM!, args: ['--no-sandbox'] });

/** What axe finds. */
export async function faults(page: Page): Promise<unknown> {
  // Past the policy of the page, which lets no other script in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))',
    awaitPromise: true,
    returnByValue: true,
  });
  return result.value;
}

/** As a mouse drops them. */
export function drop(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
  const encoded = Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
  return page.evaluate(
    `{ const data = new DataTransfer();
       for (const [name, bytes] of ${JSON.stringify(encoded)})
         data.items.add(new File([Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0))], name));
       document.querySelector('#drop').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data })); }`,
  );
}

/** For README and docs: `PICTURES=1 npm run test:browser` takes them anew. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env['PICTURES'] === undefined) return;
  await page.setViewportSize({ width: 860, height: 400 });
  await page.screenshot({ fullPage: true, path: join(import.meta.dirname, '../../docs/pictures', `${name}.png`) });
}

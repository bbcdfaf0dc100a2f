/** The page in Chromium: drop, progress, result, failure, reload, two tabs, keyboard only, dark, 390 px, axe. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fakeStages, PROGRAM, unsupported } from '../local/fake-stages.ts';
import { startServer, type TestServer } from '../serve/server.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (CHROMIUM === undefined) console.warn('skipped: Chromium is not installed (apt-get install chromium)');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser;
let server: TestServer;
const held = { release: (): void => {} };

async function serveStages(stage: 'none' | 'quantize' | 'failing'): Promise<void> {
  const wait = new Promise<void>((resolve) => (held.release = resolve));
  server = await startServer({
    stages: fakeStages((name) => {
      if (stage === 'failing' && name === 'convert') unsupported();
      return stage === name ? wait : undefined;
    }),
  });
}

async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(10_000);
  await page.goto(server.url);
  await page.waitForFunction('document.querySelector("#offline").hidden');
  return page;
}

const drop = (page: Page, name: string): Promise<unknown> =>
  page.evaluate(
    `{ const data = new DataTransfer();
       data.items.add(new File([${JSON.stringify(PROGRAM.toString())}], ${JSON.stringify(name)}));
       document.querySelector('#drop').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data })); }`,
  );

async function faults(page: Page): Promise<unknown> {
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

describe.skipIf(CHROMIUM === undefined)('the page', () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    held.release();
    await server.end();
  });

  test('drop, progress in two tabs, reload in the middle, result', async () => {
    await serveStages('quantize');
    const [one, two] = [await open(), await open()];
    await drop(one, 'net.pt2');
    for (const page of [one, two]) await page.locator('.steps').getByText('quantizing').waitFor();
    await one.reload();
    await one.locator('.steps').getByText('quantizing').waitFor();
    held.release();
    for (const page of [one, two]) await page.locator('.badge.done').waitFor();
    expect(await faults(one)).toEqual([]);
    await one.getByRole('link', { name: 'Report of net.pt2' }).click();
    await one.getByRole('heading', { level: 1 }).waitFor();
    await one.goBack();
    await one.getByRole('checkbox').check();
    await one.getByRole('button', { name: 'Compare' }).click();
    await one.getByRole('heading', { name: 'Runs side by side' }).waitFor();
    expect(await faults(one)).toEqual([]);
  });

  test('a failure and a refused name are said, dark and at 390 px', async () => {
    await serveStages('failing');
    const page = await open({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
    await drop(page, 'net.pt2');
    await page.getByText('UnsupportedOperator').first().waitFor();
    await drop(page, 'notes.json');
    await page.getByRole('alert').getByText('no model among the files').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).toBe('rgb(19, 21, 25)');
    expect(await faults(page)).toEqual([]);
  });

  test('keyboard only', async () => {
    await serveStages('quantize');
    const page = await open();
    await page.keyboard.press('Tab');
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Space');
    await (await chooser).setFiles({ name: 'net.pt2', mimeType: '', buffer: PROGRAM });
    await page.locator('.steps').getByText('quantizing').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Stop net.pt2');
    await page.keyboard.press('Enter');
    await page.locator('.badge.stopping').waitFor();
    held.release();
    await page.locator('.badge.stopped').waitFor();
  });
});

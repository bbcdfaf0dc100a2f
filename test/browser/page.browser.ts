/** The page in Chromium: drop, progress, result, failure, reload, two tabs, keyboard only, dark, 390 px, axe. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fakeStages, PROGRAM, unsupported } from '../local/fake-stages.ts';
import { startServer, type TestServer } from '../serve/server.ts';
import { CHROMIUM, drop, faults, launch, picture } from './chromium.ts';

const DIGITS = join(import.meta.dirname, '../../examples/digits');

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

describe.skipIf(CHROMIUM === undefined)('the page', () => {
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    held.release();
    await server.end();
  });

  test('drop, progress in two tabs, reload in the middle, result', async () => {
    await serveStages('quantize');
    const [one, two] = [await open(), await open()];
    await drop(one, { 'net.pt2': PROGRAM });
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

  test('from one drag to a report: the digits example with its data', { timeout: 180_000 }, async () => {
    server = await startServer({});
    const page = await open();
    const names = ['pt2', 'job.json', 'calibration.npz', 'test.npz', 'reference.npz'].map((end) => `digits_cnn.${end}`);
    await drop(page, Object.fromEntries(names.map((name) => [name, readFileSync(join(DIGITS, name))])));
    await page.locator('.badge.done').waitFor({ timeout: 150_000 });
    await page.locator('.sentence.pass').getByText('equals PyTorch').waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, 'serve');
    await page.getByRole('link', { name: 'Report of digits_cnn.pt2' }).click();
    await page.getByRole('heading', { level: 1, name: 'digits_cnn.pt2' }).waitFor();
    expect(await faults(page)).toEqual([]);
  });

  test('a failure and a refused name are said, dark and at 390 px', async () => {
    await serveStages('failing');
    const page = await open({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
    await drop(page, { 'net.pt2': PROGRAM });
    await page.getByText('UnsupportedOperator').first().waitFor();
    await drop(page, { 'notes.json': PROGRAM });
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

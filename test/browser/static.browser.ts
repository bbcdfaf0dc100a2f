/** The page without a server in Chromium: what it makes is the command line's file, and nothing leaves it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeProgram } from '../../bench/large/model.ts';
import { buildPage } from '../../browser/build.ts';
import { openModel } from '../../shared/onnx/proto/read.ts';
import { writeModel } from '../../shared/onnx/proto/write.ts';
import { quantizeModel } from '../../shared/quantize/quantize.ts';
import { CHROMIUM, drop, faults, launch, launchWithProfile, picture } from './chromium.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIGITS = join(ROOT, 'examples/digits/digits_cnn.pt2');
const MB = 1e6;
/** What the browser may take for a model of 420 MB, over what an empty page takes. */
const MEMORY = 300 * MB;

let browser: Browser;
let folder: string;
let server: Server;
let url: string;

/** The page, and every address that it asks for. */
async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; asked: string[] }> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(30_000);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, asked };
}

async function convertHere(model: string): Promise<string> {
  const path = join(folder, 'cli.onnx');
  await promisify(execFile)(process.execPath, [join(ROOT, 'cli/main.ts'), 'convert', model, '-o', path]);
  return path;
}

async function download(page: Page, name: string): Promise<string> {
  const path = join(folder, name);
  const saving = page.waitForEvent('download');
  await page.getByRole('link', { name }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe(name);
  await saved.saveAs(path);
  return path;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Bytes of memory of each process of the browser, at most so far and now, by its id. */
async function memory(
  context: BrowserContext,
): Promise<ReadonlyMap<number, { readonly most: number; readonly now: number }>> {
  const session = await context.browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const bytes = (status: string, field: string): number =>
    1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)![1]);
  return new Map(
    processInfo.map(({ id }) => {
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      return [id, { most: bytes(status, 'VmHWM'), now: bytes(status, 'VmRSS') }];
    }),
  );
}

/** How many files the browser keeps for the page. */
const ownFiles = (page: Page): Promise<number> =>
  page.evaluate(
    'navigator.storage.getDirectory().then((root) => Array.fromAsync(root.keys())).then((all) => all.length)',
  );

describe.skipIf(CHROMIUM === undefined)('the page without a server', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'page-'));
    await buildPage(join(folder, 'page'));
    server = createServer((request, response) => {
      const name = request.url === '/' ? 'index.html' : request.url!.slice(1);
      readFile(join(folder, 'page', name)).then(
        (bytes) => response.setHeader('Content-Type', 'text/html').end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    server.close();
    await rm(folder, { recursive: true });
  });

  test('the digits example becomes the file of the command line and equals PyTorch, without a network', async () => {
    const { page, asked } = await open();
    await page.context().setOffline(true);
    const names = ['pt2', 'test.npz', 'reference.npz', 'job.json'].map((end) => `digits_cnn.${end}`);
    await drop(page, Object.fromEntries(names.map((name) => [name, readFileSync(join(DIGITS, '..', name))])));
    await page.locator('.badge.done').waitFor();
    await page.locator('.sentence.pass').getByText('equals PyTorch within 1e-4').waitFor();
    await page.locator('.sentence').getByText('digits_cnn.job.json is of no use').waitFor();
    const made = await readFile(await download(page, 'digits_cnn.onnx'));
    expect(Buffer.compare(made, await readFile(await convertHere(DIGITS)))).toBe(0);
    expect(asked.filter((address) => address !== url && !address.startsWith('blob:'))).toEqual([]);
    expect(await faults(page)).toEqual([]);
  });

  const also = test.each([
    ['int8', 'dynamic'],
    ['int4', 'weight-only'],
  ] as const);
  also('%s is made as Node makes it: %s', async (dtype, approach) => {
    const { page } = await open();
    await page.getByLabel('Make FP32').selectOption(dtype);
    await page.locator('#files').setInputFiles(DIGITS);
    await page.locator('.badge.done').waitFor();
    const fp32 = await openModel(await convertHere(DIGITS));
    const path = join(folder, 'node.onnx');
    const { model } = await quantizeModel(fp32.model, { approach, format: 'QDQ', workFolder: folder });
    await writeModel(model, path, { weights: 'embed' });
    fp32.close();
    const made = await readFile(await download(page, `digits_cnn.${dtype}.onnx`));
    expect(Buffer.compare(made, await readFile(path))).toBe(0);
  });

  test('with calibration data INT8 is static, and is compared with FP32', async () => {
    const { page } = await open();
    await page.getByLabel('Make FP32').selectOption('int8');
    const names = ['pt2', 'calibration.npz', 'test.npz', 'reference.npz'].map((end) => `digits_cnn.${end}`);
    await page.locator('#files').setInputFiles(names.map((name) => join(DIGITS, '..', name)));
    await page.locator('.badge.done').waitFor();
    // onnxruntime's own tool and ours keep 94 to 95 % of these samples.
    await page
      .locator('.sentence')
      .getByText(/INT8 is [\d.]+x smaller.* keeps 9[45][.\d]* %/)
      .waitFor();
    await page.locator('.steps').getByText('validating int8').waitFor();
    expect(await faults(page)).toEqual([]);
    await picture(page, 'page');
  });

  test('data that does not fit fails its variants, and the models stay', async () => {
    const { page } = await open();
    await page.getByLabel('Make FP32').selectOption('int8');
    const wrong = await readFile(DIGITS.replace('.pt2', '.calibration.npz'));
    await drop(page, { 'digits_cnn.pt2': await readFile(DIGITS), 'digits_cnn.reference.npz': wrong });
    await page.locator('.sentence.fail').getByText('digits_cnn.reference.npz').waitFor();
    await page.locator('.steps .failed').getByText('validating fp32').waitFor();
    for (const name of ['digits_cnn.onnx', 'digits_cnn.int8.onnx']) await download(page, name);
  });

  test('it may not connect to anything, and neither may a worker of it', async () => {
    const { page } = await open();
    const fetching = `fetch(${JSON.stringify(url)}).then(() => 'went out', () => 'refused')`;
    expect(await page.evaluate(fetching)).toBe('refused');
    const worker = `${fetching}.then((what) => postMessage(what))`;
    expect(
      await page.evaluate(`new Promise((resolve) => {
        const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(worker)}])));
        worker.onmessage = (event) => resolve(event.data);
      })`),
    ).toBe('refused');
  });

  test('it works as a file, where browsers keep nothing for it', async () => {
    const page = await browser.newPage();
    await page.goto(`file://${join(folder, 'page/index.html')}`);
    await drop(page, { 'digits_cnn.pt2': await readFile(DIGITS) });
    await page.locator('.sentence.warn').getByText('FP32 runs in onnxruntime').waitFor();
  });

  test('a failure and a refused name are said, dark and at 390 px', async () => {
    const { page } = await open({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
    await drop(page, { 'a rather long name of a model that is none.pt2': Buffer.from('<html>') });
    await page.locator('.sentence').getByText('UnsupportedFormat').waitFor();
    await page.getByText('a web page').first().waitFor();
    await drop(page, { 'notes.json': Buffer.from('{}') });
    await page.getByRole('alert').getByText('no model among the files').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).toBe('rgb(19, 21, 25)');
    expect(await faults(page)).toEqual([]);
  });

  test('keyboard only', async () => {
    const { page } = await open();
    await page.keyboard.press('Tab');
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Space');
    await (await chooser).setFiles(DIGITS);
    await page.locator('.badge.done').waitFor();
    // Past the choice of what to make.
    for (let i = 0; i < 2; i++) await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toMatch(/^digits_cnn\.onnx/);
    const saving = page.waitForEvent('download');
    await page.keyboard.press('Enter');
    expect((await saving).suggestedFilename()).toBe('digits_cnn.onnx');
  });

  const memoryTest = test.each([
    ['stay in the file', 'kept'],
    ['are computed', 'transposed'],
  ] as const);
  memoryTest('a model of 420 MB takes less memory; its weights %s', { timeout: 300_000 }, async (_, weights) => {
    const model = join(folder, 'large.pt2');
    writeProgram(model, { layers: 25, width: 2048, weights });
    // With a profile, as people have one: what a private window keeps on disk is in memory.
    const context = await launchWithProfile(join(folder, `profile-${weights}`));
    const page = await context.newPage();
    page.setDefaultTimeout(240_000);
    await page.goto(url);
    const before = await memory(context);
    await page.locator('#files').setInputFiles(model);
    await page.locator('.steps').getByText('converting').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.locator('.badge.stopped').waitFor();
    await page.locator('#files').setInputFiles(model);
    await page.locator('.badge.done').waitFor();
    const growth = [...(await memory(context))].map(([id, { most }]) => most - (before.get(id)?.now ?? 0));
    const taken = growth.reduce((sum, bytes) => sum + bytes, 0);
    console.log(`a model of 420 MB whose weights were ${weights} took ${Math.round(taken / MB)} MB of memory`);
    expect(taken).toBeLessThan(MEMORY);
    expect(await sha256(await download(page, 'large.onnx'))).toBe(await sha256(await convertHere(model)));
    expect(await ownFiles(page)).toBe(weights === 'kept' ? 0 : 1);
    await page.reload();
    await expect.poll(() => ownFiles(page)).toBe(0);
    await context.close();
  });
});

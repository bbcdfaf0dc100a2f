/** The line of the README that installs the package without a download. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const { version, engines, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  engines: { node: string };
  devDependencies: { node: string };
};
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const [, variable, value] = /^(ONNXRUNTIME\w+)=(\w+) npm install \.\/torchferry-(.+)\.tgz$/m.exec(README)!;

test('names the package of this version, and the Node that is tested and asked for', () => {
  expect(README).toContain(`npm install ./torchferry-${version}.tgz`);
  expect(README).toContain(`Tested with Node ${devDependencies.node.split('.')[0]!};`);
  expect(README).toContain(`\`engines\` asks for ${engines.node.replace('>=', '')},`);
});

test('ends the install script of onnxruntime before it downloads', () => {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const env = { ...process.env, [variable!]: value, HTTPS_PROXY: 'http://127.0.0.1:9', GLOBAL_AGENT_HTTPS_PROXY: '' };
  const script = join(dirname(main), 'script/install.js');
  expect(() => execFileSync(process.execPath, [script], { env, cwd: dirname(main), timeout: 20_000 })).not.toThrow();
});

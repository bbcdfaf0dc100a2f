/** `npm start`: the whole pipeline on this machine, on your model or on the digits example. */
import { basename, extname, join } from 'node:path';
import { cli } from './cli.ts';

const EXAMPLE = 'examples/digits/digits_cnn.pt2';

const [node, minor] = process.versions.node.split('.').map(Number);
if (node! < 22 || (node === 22 && minor! < 18)) {
  console.error(
    `torchferry needs Node 22.18 or newer and found ${process.versions.node}; "npm ci" installs one that ` +
      '"npm start" then uses',
  );
  process.exit(2);
}

const given = process.argv.slice(2);
const models = given.length ? given : [EXAMPLE];
const first = models[0]!;
const output =
  given.includes('-o') || given.includes('--output') || models.length > 1
    ? []
    : ['-o', join('out', basename(first, extname(first)))];
process.exitCode = await cli(['run', ...models, ...output]);

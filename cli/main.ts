#!/usr/bin/env node
/** The executable `torchferry`. */
import { asFailure, isFailure } from '../shared/errors.ts';
import { cli } from './cli.ts';

// Whoever reads our output may have read enough (`torchferry ops | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  const failure = asFailure(Object.assign(error, { path: 'standard output' }));
  if (!isFailure(failure)) throw error;
  process.stderr.write(`torchferry: ${failure.code}: ${failure.message}\n`);
  process.exit(1);
});

process.exitCode = await cli(process.argv.slice(2));

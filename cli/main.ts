#!/usr/bin/env node
/** The executable `torchferry`. */
import { cli } from './cli.ts';

// Whoever reads our output may have read enough (`torchferry ops | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await cli(process.argv.slice(2));

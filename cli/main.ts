#!/usr/bin/env node
/** The executable `torchferry`. */
import { cli } from './cli.ts';

const code = await cli(process.argv.slice(2));
// Ctrl-C has set its own code.
process.exitCode ??= code;

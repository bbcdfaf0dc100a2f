/** `serve`: a page to drop models on, on this machine only. */
import { fail } from '../../shared/errors.ts';
import { listen } from '../../serve/listen.ts';
import type { Command } from '../command.ts';
import { open } from '../open.ts';
import { thisProcessor } from '../this-processor.ts';
import { wholeNumber } from '../values.ts';

const PORT = 8517;
const MAX_MB = 32_768;
const FILES = 100;

export const serve: Command = {
  usage: 'torchferry serve [FOLDER] [--port N] [--open]',
  options: {
    port: { type: 'string', value: 'N', describe: `port; 0 takes a free one; default: ${PORT}` },
    open: { type: 'boolean', describe: 'open the page in the browser' },
    'max-mb': { type: 'string', value: 'N', describe: `largest file that is taken, in MB; default: ${MAX_MB}` },
  },
  async run({ files, options, progress, signal }) {
    if (files.length > 1) fail('WrongUsage', { problem: 'more than one folder was given', hint: serve.usage });
    const root = files[0] ?? 'torchferry-out';
    const port = wholeNumber(options, 'port') ?? PORT;
    if (port > 65_535) fail('BadOption', { option: '--port', value: `${port}`, expected: 'a number up to 65535' });
    const limits = { fileBytes: (wholeNumber(options, 'max-mb') ?? MAX_MB) * 1e6, files: FILES };
    const onReady = (url: string): void => {
      progress.step(`serving ${url}, results in "${root}"; Ctrl+C ends it`);
      if (options['open']) open(url);
    };
    await listen({ root, port, limits, signal, processor: thisProcessor(), onReady });
    return { text: 'the server has ended', facts: { folder: root } };
  },
};

/** `torchferry presign`: a form by which somebody without an account uploads models. */
import { fail } from '../../shared/errors.ts';
import type { UploadForm } from '../../functions/upload-form.ts';
import { html } from '../../shared/report/markup.ts';
import type { Command, OptionValues } from '../command.ts';
import { stackOutputs } from '../job-places.ts';
import { size } from '../sizes.ts';
import { text, wholeNumber } from '../values.ts';

const MAX_MB = 2000;
const EXPIRES_SECONDS = 3600;

export const presign: Command = {
  usage: 'torchferry presign <prefix/> (--stack NAME | --bucket NAME) [--max-mb N] [--expires N] [--html] [--json]',
  options: {
    stack: { type: 'string', value: 'NAME', describe: 'a deployment, by the name of its stack' },
    bucket: { type: 'string', value: 'NAME', describe: 'the bucket of uploads itself' },
    'max-mb': { type: 'string', value: 'N', describe: `largest file that is taken, in MB; default: ${MAX_MB}` },
    expires: { type: 'string', value: 'N', describe: `seconds that it is good for; default: ${EXPIRES_SECONDS}` },
    html: { type: 'boolean', describe: 'print a page with the form instead of a command' },
  },
  async run({ files, options }) {
    const [prefix] = files;
    if (prefix === undefined)
      return fail('WrongUsage', { problem: 'no prefix was given', hint: 'name the start of keys, as in "uploads/"' });
    const bucket = await bucketOf(options);
    const maxBytes = (wholeNumber(options, 'max-mb') ?? MAX_MB) * 1e6;
    const expiresSeconds = wholeNumber(options, 'expires') ?? EXPIRES_SECONDS;
    const { uploadForm } = await import('../../functions/upload-form.ts');
    const form = await uploadForm({ bucket, prefix, maxBytes, expiresSeconds });
    const says = `Files up to ${size(maxBytes)} to s3://${bucket}/${prefix}, for ${expiresSeconds} seconds from now`;
    return {
      text: options['html'] === true ? page(form, says) : `# ${says}\n${curl(form)}`,
      facts: { bucket, prefix, maxBytes, expiresSeconds, ...form },
    };
  },
};

async function bucketOf(options: OptionValues): Promise<string> {
  const [stack, bucket] = [text(options, 'stack'), text(options, 'bucket')];
  if (bucket !== undefined) return bucket;
  if (stack !== undefined) return (await stackOutputs(stack))('InputBucketName');
  return fail('WrongUsage', { problem: 'it is not said where to', hint: 'give --stack or --bucket' });
}

/** A word as a shell takes it. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** `curl -F` reads a value that begins with `@` or `<` from a file; `--form-string` never does. */
const curl = ({ url, fields }: UploadForm): string =>
  [
    `curl --fail-with-body ${quoted(url)}`,
    ...Object.entries(fields).map(([name, value]) => `  --form-string ${quoted(`${name}=${value}`)}`),
    '  -F file=@model.pt2',
  ].join(' \\\n');

const page = ({ url, fields }: UploadForm, says: string): string =>
  html`<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Upload a model</title>
<h1>Upload a model</h1>
<p>${says}.</p>
<form action="${url}" method="post" enctype="multipart/form-data">
${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">\n`)}
<label>Model <input type="file" name="file" required></label>
<button>Upload</button>
</form>`.toString();

/** docs/troubleshooting.md: every code of a failure, with its words and what to do. */
import { FAILURE_CODES } from '../../shared/errors.ts';
import { AWS_CODES, nextStep } from '../../shared/report/next-step.ts';
import { wordingOf } from './wording.ts';

export function troubleshootingPage(): string {
  return [
    '# Troubleshooting by error code',
    '',
    'Made by `npm run docs` from `shared/errors.ts`. Every refusal has a code: it is on stderr (`torchferry: CODE: message`), in `--json` as `error.code`, in the report and in the event of a failed job. Words in CAPITALS stand for names and values of yours. `torchferry status` prints the next step of every failed job.',
    '',
    'Exit codes of the command line: 0 done, 1 a failure with one of these codes, 2 another command line mends it (`WrongUsage`, `BadOption`, `BadOutput`), 129, 130 or 143 interrupted.',
    '',
    'An error without a code is a fault of torchferry: please report it.',
    ...[...FAILURE_CODES].sort().flatMap((code) => ['', `## ${code}`, '', quote(wordingOf(code)), '', nextStep(code)]),
    '',
    '# What ends a stage on AWS from outside',
    '',
    'Names that AWS gives; they stand in the report where a code of ours would.',
    '',
    '| name | what to do |',
    '| --- | --- |',
    ...AWS_CODES.map((code) => `| \`${code}\` | ${nextStep(code)} |`),
    '',
  ].join('\n');
}

const quote = (text: string): string =>
  text
    .split('\n')
    .map((line) => `> ${line.replaceAll(/[<>*_]/g, '\\$&')}`.trimEnd())
    .join('\n');

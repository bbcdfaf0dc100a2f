/** `torchferry ops`: what can be converted. */
import { limitText, type OpsetLimit, supportAt } from '../../shared/convert/opset-limits.ts';
import { CONVERTERS, STRUCTURAL_CONVERTERS } from '../../shared/convert/registry.ts';
import { fail } from '../../shared/errors.ts';
import { DEFAULT_OPSET, NEWEST_OPSET, OLDEST_OPSET } from '../../shared/onnx/opset.ts';
import type { Command } from '../command.ts';
import { wholeNumber } from '../values.ts';

interface Row {
  readonly operator: string;
  readonly schema: string | null;
  readonly limits: readonly OpsetLimit[];
}

const row = (operator: string, schema: string | null, limits: readonly OpsetLimit[] = []): Row => ({
  operator,
  schema,
  limits,
});

export const ops: Command = {
  usage: 'torchferry ops [NAME...] [--opset N] [--json]',
  options: { opset: { type: 'string', value: 'N', describe: 'only what can be written for this opset' } },
  async run({ files, options }) {
    const opset = wholeNumber(options, 'opset');
    if (opset !== undefined && (opset < OLDEST_OPSET || opset > NEWEST_OPSET))
      fail('BadOption', { option: '--opset', value: String(opset), expected: `${OLDEST_OPSET} to ${NEWEST_OPSET}` });
    const all = [
      ...[...CONVERTERS.values()].map(({ schema, facts }) => row(schema.target, schema.text, facts.limits)),
      ...[...STRUCTURAL_CONVERTERS.keys()].map((operator) => row(operator, null)),
    ];
    const wanted = all
      .filter(({ operator }) => files.length === 0 || files.some((f) => operator.includes(f)))
      .filter(({ limits }) => opset === undefined || supportAt(limits, opset) !== 'none')
      .sort((a, b) => (a.operator < b.operator ? -1 : 1));
    const opsets =
      opset === undefined
        ? `opsets ${OLDEST_OPSET} to ${NEWEST_OPSET} (default ${DEFAULT_OPSET}) unless said otherwise`
        : `opset ${opset}`;
    const head = `${wanted.length} operators, for ${opsets}`;
    return {
      text: [
        head,
        ...wanted.map(
          ({ operator, schema, limits }) =>
            `  ${schema ?? operator}${limits.length ? `  [${limits.map(limitText).join('; ')}]` : ''}`,
        ),
      ].join('\n'),
      facts: { opsets: { oldest: OLDEST_OPSET, newest: NEWEST_OPSET, default: DEFAULT_OPSET }, operators: wanted },
    };
  },
};

/** docs/operators.md: what can be converted, of the registry of converters. */
import { limitText, type OpsetLimit } from '../../shared/convert/opset-limits.ts';
import { COMPLEX_CONVERTERS, CONVERTERS, STRUCTURAL_CONVERTERS } from '../../shared/convert/registry.ts';
import { DEFAULT_OPSET, NEWEST_OPSET, OLDEST_OPSET } from '../../shared/onnx/opset.ts';

/** What readers know a namespace as. */
const NAMESPACES: Readonly<Record<string, string>> = {
  aten: 'PyTorch (`aten`)',
  torchvision: 'torchvision',
  transformers: 'transformers',
  quantized_decomposed: 'Quantized programs (`quantized_decomposed`)',
  higher_order: 'Control flow (`higher_order`)',
  torch: 'Regions (`torch`)',
  _operator: "Python's own (`_operator`)",
};

interface Overload {
  readonly name: string;
  readonly limits: readonly OpsetLimit[];
  readonly takesComplex: boolean;
}

export function operatorsPage(): string {
  const spaces = Map.groupBy(targets(), (target) => target.split('::')[0]!);
  const order = [...new Set([...Object.keys(NAMESPACES), ...spaces.keys()])].filter((name) => spaces.has(name));
  return [
    '# Operators that can be converted',
    '',
    `Made by \`npm run docs\` from the registry of converters; \`torchferry ops\` prints the same with every schema. All of it is for opsets ${OLDEST_OPSET} to ${NEWEST_OPSET} (default ${DEFAULT_OPSET}) unless a limit is given.`,
    'A program with any other operator is refused before anything is written, and `torchferry inspect` names them all. Arguments that a converter does not take are refused as `UnsupportedArgument`.',
    '',
    `${targets().length} operators, of them ${COMPLEX_CONVERTERS.size} for complex tensors.`,
    ...order.flatMap((name) => section(name, spaces.get(name)!)),
    '',
  ].join('\n');
}

const targets = (): string[] =>
  [...new Set([...CONVERTERS.keys(), ...COMPLEX_CONVERTERS.keys(), ...STRUCTURAL_CONVERTERS.keys()])].sort();

function section(namespace: string, all: readonly string[]): string[] {
  const operators = Map.groupBy(all, (target) => target.split('::')[1]?.split('.')[0] ?? target);
  const rows = [...operators].map(([operator, overloads]) => row(operator, overloads.map(overloadOf)));
  return [
    '',
    `## ${NAMESPACES[namespace] ?? namespace}`,
    '',
    '| operator | overloads | limits |',
    '| --- | --- | --- |',
    ...rows,
  ];
}

function overloadOf(target: string): Overload {
  const converter = CONVERTERS.get(target) ?? COMPLEX_CONVERTERS.get(target);
  return {
    name: /\.(.*)$/.exec(target)?.[1] ?? '',
    limits: converter?.facts.limits ?? [],
    takesComplex: COMPLEX_CONVERTERS.has(target),
  };
}

function row(operator: string, overloads: readonly Overload[]): string {
  const named = overloads.map(({ name }) => (name === '' ? 'default' : name)).join(', ');
  const limits = new Map(overloads.map((overload) => [limitsText(overload), overload.name]));
  const isSame = limits.size === 1;
  const texts = overloads.flatMap((overload) => {
    const text = limitsText(overload);
    return text === '' ? [] : [isSame ? text : `${overload.name || 'default'}: ${text}`];
  });
  return `| \`${operator}\` | ${named} | ${(isSame ? texts.slice(0, 1) : texts).join('<br>').replaceAll('|', '\\|')} |`;
}

const limitsText = ({ limits, takesComplex }: Overload): string =>
  [...limits.map(limitText), ...(takesComplex ? ['also complex'] : [])].join('; ');

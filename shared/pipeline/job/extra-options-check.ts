/** `extra_options` of a job: what each may be, after the quantizer's table of them. */
import { QUANT_TYPE_NAMES } from '../../choices.ts';
import {
  EXTRA_OPTIONS,
  type ExtraOptionName,
  type ExtraOptions,
  OLD_NAMES,
  whyAbsent,
} from '../../quantize/extra-options.ts';
import { type Check, fieldsOf, integer, listOf, mapOf, number, oneOf, text, yesOrNo } from './json-reader.ts';

type Kind = (typeof EXTRA_OPTIONS)[ExtraOptionName]['kind'];

const tensorOverride = fieldsOf(
  {
    quant_type: oneOf(QUANT_TYPE_NAMES),
    symmetric: yesOrNo,
    reduce_range: yesOrNo,
    rmin: number(),
    rmax: number(),
    scale: number({ min: 0 }),
    zero_point: integer(),
    axis: integer(),
  },
  { hint: (name) => NO_OVERRIDE[name] ?? '' },
);
const NO_OVERRIDE: Readonly<Record<string, string>> = {
  convert: 'a tensor has codes of one type for all its readers',
};

const KINDS: Readonly<Record<Kind, Check<unknown>>> = {
  'yes or no': yesOrNo,
  number: number({ min: 0 }),
  operators: listOf(text),
  overrides: mapOf('an object from tensor to a list of overrides', listOf(tensorOverride, 1), /./),
};

const rows = Object.entries(EXTRA_OPTIONS).map(([name, { kind }]) => [name, KINDS[kind]] as const);
const old = Object.entries(OLD_NAMES).map(([name, now]) => [name, KINDS[EXTRA_OPTIONS[now].kind]] as const);
const fields = fieldsOf(Object.fromEntries([...rows, ...old]), { hint: whyAbsent });

/** Old names are read as the new ones. */
export const extraOptions: Check<ExtraOptions> = {
  ...fields,
  read(value, path, problems) {
    const options = fields.read(value, path, problems);
    const entries = Object.entries(options ?? {}).map(([name, given]) => [OLD_NAMES[name] ?? name, given] as const);
    return options && (Object.fromEntries(entries) as ExtraOptions);
  },
};

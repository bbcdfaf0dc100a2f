/**
 * Every format of a file, in the order they are tried: the first row that matches says what a file is, whatever it is
 * called. Data only, so that infra/ can read the suffixes; a new format is a row here and a reader.
 */
import type { Candidate, Format, FormatKind } from './format.ts';
import { OTHERS } from './others.ts';
import { PYTORCH } from './pytorch.ts';

const ONNX: Format = {
  kind: 'onnx',
  name: 'ONNX',
  suffixes: ['.onnx'],
  matches: isModelProto,
  found: 'an ONNX model already',
  hint: 'use "quantize" or "validate" on it; it needs no conversion',
};

export const FORMATS: readonly Format[] = [...PYTORCH, ONNX, ...OTHERS];

/** The endings of a table's names, of all kinds or of some rows. */
export const suffixesOf = (
  formats: readonly Format[],
  wanted: (format: Format) => boolean = () => true,
): readonly string[] => [...new Set(formats.filter(wanted).flatMap(({ suffixes }) => suffixes ?? []))];

export const kindIs =
  (kind: FormatKind) =>
  (format: Format): boolean =>
    format.kind === kind;

/** Which names start a conversion, whatever their case. */
export const MODEL_SUFFIXES = suffixesOf(FORMATS);
/** How job files and their data are called, which are no models: their uploads start the jobs that waited for them. */
export const DATA_SUFFIXES = ['.json', '.npz'] as const;
export const ONNX_SUFFIXES = suffixesOf(FORMATS, kindIs('onnx'));
/** What `convert` takes: also names of formats that are refused, so that a folder of them is told why. */
export const PYTORCH_SUFFIXES = suffixesOf(PYTORCH);

export const isNamed = (name: string, suffixes: readonly string[]): boolean =>
  suffixes.some((suffix) => name.toLowerCase().endsWith(suffix));

/** A ModelProto begins with ir_version (field 1); then comes any other of its fields. */
function isModelProto({ head }: Candidate): boolean {
  const [tag, version, next] = head;
  return tag === 0x08 && version! >= 1 && version! < 32 && FIELDS.has(next!);
}

// producer_name, producer_version, domain, model_version, doc_string, graph, opset_import, metadata_props,
// training_info, functions; from field 16 on a tag has a second byte.
const FIELDS: ReadonlySet<number> = new Set([0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72, 0xa2, 0xca]);

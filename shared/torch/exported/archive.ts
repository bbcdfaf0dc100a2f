/** The layouts of a .pt2 file over the years, found by the records that are there: never by version or file name. */
import { latin1Text } from '../../bytes/text.ts';
import type { ZipEntry } from '../../bytes/zip.ts';
import { fail } from '../../errors.ts';
import type { TensorData } from '../../tensor/data.ts';
import type { JsonRecord } from '../json.ts';
import type { RecordSet } from '../records.ts';
import { rawTensors } from './payload.ts';
import { savedTensors } from './saved-tensors.ts';

/** Loads the tensors of these names; a name that is not there is left out. */
export type TensorSource = (names: ReadonlySet<string>) => Promise<ReadonlyMap<string, TensorData>>;

export interface ProgramArchive {
  readonly file: string;
  /** Its name in the table of formats. */
  readonly format: string;
  readonly program: JsonRecord;
  /** Schema version where only a record of its own tells it. */
  readonly version: ZipEntry | null;
  /** Parameters and persistent buffers. */
  readonly stateDict: TensorSource;
  /** Lifted constants and other buffers. */
  readonly constants: TensorSource;
  readonly sampleInputs: ZipEntry | null;
  readonly warnings: readonly string[];
}

/** torch 2.1 to 2.7: four or five records, the tensors inside nested torch.save archives. */
export function flatArchive(records: RecordSet, format: string): ProgramArchive {
  // torch 2.1 named torch.save archives .json.
  const saved = (name: string): ZipEntry | null => records.get(`${name}.pt`) ?? records.get(`${name}.json`);
  return {
    file: records.source.name,
    format,
    program: records.get('serialized_exported_program.json')!,
    version: records.get('version'),
    stateDict: savedTensors(records, saved('serialized_state_dict')),
    constants: savedTensors(records, saved('serialized_constants')),
    sampleInputs: records.get('serialized_example_inputs.pt'),
    warnings: [],
  };
}

/** torch 2.8 and later: one folder with a program per model; from 2.9 on a raw record per storage. */
export async function pt2Archive(records: RecordSet, format: string): Promise<ProgramArchive> {
  const models = records
    .under('models/')
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length));
  const model = models.includes('model') ? 'model' : models[0]!;
  if (models.length > 1 && model !== 'model') {
    fail('UnsupportedFormat', {
      file: records.source.name,
      found: `an archive of ${models.length} models (${listed(models)})`,
      hint: 'save one program per file, or name the one to convert "model"',
    });
  }
  await prefetchDescriptions(records, model);
  await refuseForeign(records);
  const tensors = (folder: 'weights' | 'constants'): TensorSource => {
    const saved = records.get(`data/${folder}/${model}.pt`);
    return saved
      ? savedTensors(records, saved)
      : rawTensors(records, `data/${folder}/`, `${model}_${folder}_config.json`);
  };
  const unused = models.filter((name) => name !== model);
  return {
    file: records.source.name,
    format,
    program: records.get(`models/${model}.json`)!,
    version: null,
    stateDict: tensors('weights'),
    constants: tensors('constants'),
    sampleInputs: records.get(`data/sample_inputs/${model}.pt`),
    warnings:
      unused.length === 0
        ? []
        : [`the archive holds ${models.length} models; "${model}" is read, not ${listed(unused)}`],
  };
}

const listed = (names: readonly string[]): string =>
  names
    .slice(0, 10)
    .map((name) => `"${name.slice(0, 100)}"`)
    .join(', ') + (names.length > 10 ? ', ...' : '');

/**
 * Descriptions lie side by side at the end of an archive: one read takes them all. Large ones are read by themselves.
 */
async function prefetchDescriptions(records: RecordSet, model: string): Promise<void> {
  const names = [
    'archive_format',
    'byteorder',
    `models/${model}.json`,
    `data/weights/${model}_weights_config.json`,
    `data/constants/${model}_constants_config.json`,
  ];
  await records.zip.prefetch(
    names.flatMap((name) => records.get(name) ?? []),
    4 * 1024 * 1024,
  );
}

async function refuseForeign(records: RecordSet): Promise<void> {
  const file = records.source.name;
  const text = async (name: string): Promise<string | null> => {
    const entry = records.get(name);
    return entry && entry.size <= 64 ? latin1Text(await entry.read()).trim() : null;
  };
  const format = await text('archive_format');
  if (format !== null && format !== 'pt2')
    fail('UnsupportedFormat', {
      file,
      found: `an archive of the format "${format}"`,
      hint: 'save the program with torch.export.save',
    });
  if ((await text('byteorder')) === 'big') {
    fail('UnsupportedFormat', {
      file,
      found: 'an archive of big-endian numbers',
      hint: 'save the program on a little-endian machine (x86-64 or ARM)',
    });
  }
}

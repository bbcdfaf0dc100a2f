/** What PyTorch and the tools around it write: programs, and much that holds no graph. First match wins. */
import { latin1Text } from '../bytes/text.ts';
import type { ProgramArchive } from '../torch/exported/archive.ts';
import type { TorchProgram } from '../torch/program.ts';
import type { Candidate, Format, ProgramFormat, QuantizedFormat, Readable } from './format.ts';
import { begins, has, hasBelow, magic, refused } from './matching.ts';

/** A program needs no advice where one is wanted, and conversion where a model is. */
const program = (name: string, matches: ProgramFormat['matches'], find: ProgramFormat['find']): ProgramFormat => ({
  kind: 'program',
  name,
  matches,
  find,
  found: 'a torch.export program',
  hint: 'convert it first',
});

// The readers are loaded when a file needs them: whoever wants the suffixes of this table loads no code.
const readable = (archive: ProgramArchive): Readable<TorchProgram> => ({
  read: async () => (await import('../torch/exported-program.ts')).readExportedProgram(archive),
});

const LOAD_HINT =
  'load it into its model in Python and export that: torch.export.save(torch.export.export(model, args), "model.pt2")';

const INT8_HINT =
  'it goes with the FP32 model it was made from: name it <model>.int8.pt beside <model>.pt2 (or .onnx), or set ' +
  '"quantized_model" in that model\'s job, or run "torchferry convert <model>.pt2 --quantized <this file>"';

const quantized = (
  name: string,
  matches: QuantizedFormat['matches'],
  found: QuantizedFormat['found'],
): QuantizedFormat => ({ kind: 'quantized', name, matches, found, hint: INT8_HINT });

const tensorsIn = async (file: Candidate): Promise<number> => (await file.saved()).tensors;

export const PYTORCH: readonly Format[] = [
  program('torch.export flat zip', has('serialized_exported_program.json'), async ({ records }, format) => {
    const { flatArchive } = await import('../torch/exported/archive.ts');
    return readable(flatArchive(records!, format));
  }),
  {
    ...program(
      'torch.export archive',
      hasBelow('models/', (name) => name.endsWith('.json')),
      async ({ records }, format) => {
        const { pt2Archive } = await import('../torch/exported/archive.ts');
        return readable(await pt2Archive(records!, format));
      },
    ),
    suffixes: ['.pt2'],
  },
  program(
    'torch.export JSON',
    begins(
      /^(?:\xef\xbb\xbf)?\s*\{\s*"(?:graph_module|opset_version|range_constraints|schema_version|verifiers|torch_version|guards_code|dialect)"/,
    ),
    async ({ source }, format) => {
      const { jsonArchive } = await import('../torch/exported/bare-json.ts');
      return readable(jsonArchive(source, format));
    },
  ),
  refused(
    'AOTInductor package',
    hasBelow('data/aotinductor/'),
    'a package compiled by AOTInductor: machine code without a graph',
  ),
  refused('ExecuTorch package', hasBelow('data/executorch/'), 'an ExecuTorch package without a graph'),
  refused(
    'torch.package',
    has('.data/extern_modules'),
    'a torch.package archive: Python code and pickles, without a graph',
  ),
  {
    ...refused('TorchScript', has('data.pkl', 'constants.pkl'), 'a TorchScript archive, which cannot be converted yet'),
    suffixes: ['.pt'],
  },
  refused(
    'TorchScript',
    has('data.pkl', 'bytecode.pkl'),
    'a TorchScript archive for mobile devices, which cannot be converted yet',
  ),
  refused(
    'torch.save module',
    async (file) => has('data.pkl')(file) && (await file.saved()).className !== null,
    async (file) => `a pickled object of the Python class ${(await file.saved()).className!}, not a graph`,
  ),
  quantized(
    'Neural Compressor model',
    async (file) => has('data.pkl')(file) && (await file.saved()).keys.has('best_configure'),
    async (file) =>
      `a quantized checkpoint of Intel Neural Compressor (${await tensorsIn(file)} tensors): ` +
      'it holds weights without a graph',
  ),
  quantized(
    'quantized state dict',
    async (file) => has('data.pkl')(file) && (await file.saved()).quantized > 0,
    async (file) =>
      `a checkpoint of ${await tensorsIn(file)} tensors, ${(await file.saved()).quantized} of them quantized: ` +
      'it holds weights without a graph',
  ),
  {
    ...refused(
      'torch.save checkpoint',
      async (file) => has('data.pkl')(file) && (await tensorsIn(file)) > 0,
      async (file) => `a checkpoint of ${await tensorsIn(file)} tensors: it holds weights without a graph`,
    ),
    hint: LOAD_HINT,
    suffixes: ['.pt', '.pth'],
  },
  refused('torch.save data', has('data.pkl'), 'a torch.save file without tensors'),
  refused('TorchScript', has('model.json'), 'a TorchScript archive of torch 1.0 to 1.3, which cannot be converted yet'),
  refused('PT2 archive', has('archive_format'), 'a PT2 archive without a program'),
  {
    ...refused('TorchServe archive', has('MAR-INF/MANIFEST.json'), 'a TorchServe archive'),
    hint: 'unpack it and upload the model file inside',
  },
  refused(
    'torch.save (legacy)',
    // The magic number of torch.serialization as the first of five pickles.
    magic([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]),
    'a checkpoint in the format of torch before 1.6: it holds weights or a pickled module, but no graph',
  ),
  refused('PyTorch Mobile', magic('PTMF', 4), 'a PyTorch Mobile flatbuffer (.ptl)'),
  refused('ExecuTorch', magic('ET12', 4), 'an ExecuTorch program (.pte), already compiled for a device'),
  refused(
    'torch.save (tar)',
    // Old torch wrote tar archives before tar had a magic word.
    begins(/^(?:storages|tensors|pickle|sys_info)\0/),
    'a checkpoint in the tar format of torch 0.1, without a graph',
  ),
  refused('safetensors', isSafetensors, 'a safetensors file: weights without a graph'),
  refused('pickle', begins(/^\x80[\x02-\x05]/), 'a Python pickle'),
];

/** A length of 8 bytes, then a JSON header. */
function isSafetensors({ head, source }: Candidate): boolean {
  if (head.length < 10) return false;
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  return length > 1n && length <= BigInt(source.size - 8) && /^\{\s*["}]/.test(latin1Text(head.subarray(8)));
}

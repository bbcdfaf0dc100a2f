/**
 * The stages, a row each, and a file of the same name in `stages/`. Data only: infra/ reads it to deploy, the machines
 * to run, the report to tell.
 */
import { WORK_PREFIXES } from '../workspace/keys.ts';
import { list, read, scratch, type Stage, tag, write } from './stage.ts';

const { claims, jobs, batches, parts } = WORK_PREFIXES;

// New AWS accounts stop at 3008 MB per function until a quota is raised; weights are streamed, so this carries models
// far larger than it.
const LARGE_MB = 3008;

export const STAGES = {
  claim: {
    place: 'start',
    doing: 'looking at the model and its job',
    nextStep: null,
    functionName: 'ClaimFunction',
    memoryMb: 1024,
    timeoutSeconds: 60,
    temporaryMb: 512,
    needsOnnxRuntime: false,
    grants: [
      read('input'),
      list('input'),
      read('work', claims),
      write('work', claims),
      write('work', jobs),
      list('work'),
    ],
  },
  convert: {
    place: 'job',
    doing: 'converting',
    nextStep: 'Look at the comparison with PyTorch before you rely on the model.',
    functionName: 'ConvertFunction',
    memoryMb: LARGE_MB,
    timeoutSeconds: 900,
    temporaryMb: 10_240,
    needsOnnxRuntime: false,
    needs: { memory: { fixedMb: 512, ofModel: 0 }, files: { fixedMb: 0, ofModel: 0 } },
    grants: [
      read('input'),
      list('input'),
      read('work', jobs),
      write('work', jobs),
      scratch('work', parts),
      list('work'),
      write('output'),
      tag('output'),
    ],
  },
  quantize: {
    place: 'variant',
    only: 'quantize',
    doing: 'quantizing',
    nextStep: 'Look at what was kept in float and at the worst layers.',
    functionName: 'QuantizeFunction',
    memoryMb: LARGE_MB,
    timeoutSeconds: 900,
    temporaryMb: 10_240,
    needsOnnxRuntime: true,
    needs: { memory: { fixedMb: 512, ofModel: 1.1 }, files: { fixedMb: 64, ofModel: 2.3 } },
    grants: [
      read('input'),
      list('input'),
      read('work', jobs),
      write('work', jobs),
      list('work'),
      read('output'),
      write('output'),
      tag('output'),
      list('output'),
    ],
  },
  validate: {
    place: 'variant',
    doing: 'validating',
    nextStep: null,
    functionName: 'ValidateFunction',
    memoryMb: LARGE_MB,
    timeoutSeconds: 900,
    temporaryMb: 10_240,
    needsOnnxRuntime: true,
    needs: { memory: { fixedMb: 512, ofModel: 1.35 }, files: { fixedMb: 64, ofModel: 1.6 } },
    grants: [
      read('input'),
      list('input'),
      read('work', jobs),
      write('work', jobs),
      list('work'),
      read('output'),
      list('output'),
    ],
  },
  report: {
    place: 'end',
    doing: 'writing the report',
    nextStep: null,
    functionName: 'ReportFunction',
    memoryMb: 1024,
    timeoutSeconds: 120,
    temporaryMb: 512,
    needsOnnxRuntime: false,
    // The input bucket, because a failed claim leaves it to the report to look the model up; the claim, because a job
    // that is reported has ended.
    grants: [
      read('input'),
      list('input'),
      write('work', claims),
      read('work', jobs),
      write('work', jobs),
      list('work'),
      read('output'),
      write('output'),
      tag('output'),
      list('output'),
    ],
  },
  release: {
    place: 'failed',
    doing: 'giving the job back',
    nextStep: null,
    functionName: 'ReleaseFunction',
    memoryMb: 512,
    timeoutSeconds: 60,
    temporaryMb: 512,
    needsOnnxRuntime: false,
    grants: [read('work', claims), write('work', claims), list('work')],
  },
  batchPlan: {
    place: 'batch',
    doing: 'reading the list of models',
    nextStep: null,
    functionName: 'BatchPlanFunction',
    memoryMb: 512,
    timeoutSeconds: 300,
    temporaryMb: 2048,
    needsOnnxRuntime: false,
    grants: [read('input'), list('input'), write('work', batches)],
  },
  batchReport: {
    place: 'batch',
    doing: 'writing the report of the batch',
    nextStep: null,
    functionName: 'BatchReportFunction',
    memoryMb: 1024,
    timeoutSeconds: 600,
    temporaryMb: 2048,
    needsOnnxRuntime: false,
    // The input bucket, because the key of a failed item's report holds the model's version; and whether it is there.
    grants: [
      read('input'),
      list('input'),
      read('work', batches),
      list('work'),
      read('output'),
      write('output'),
      list('output'),
    ],
  },
} as const satisfies Record<string, Stage>;

export type StageName = keyof typeof STAGES;
export const STAGE_NAMES = Object.keys(STAGES) as readonly StageName[];

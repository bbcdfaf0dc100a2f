/** ResNet-50, MobileNetV2, ViT-tiny and a BERT with their data, made by Python and converted by us. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileSource } from '../shared/bytes/file-source.ts';
import { convertFile } from '../shared/steps/convert-file.ts';

export interface Subject {
  readonly name: string;
  readonly fp32: string;
  /** .npz of 32 samples. */
  readonly calibration: string;
  /** .npz of others. */
  readonly samples: string;
}

/** None where PYTHON lacks what they are made with: it says so. `names`: some of them. */
export async function madeModels(
  python: string,
  folder: string,
  names: readonly string[] = [],
): Promise<readonly Subject[]> {
  const script = join(import.meta.dirname, 'quant-models.py');
  if (spawnSync(python, [script, folder, ...names], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) {
    console.log(`SKIPPED: "${python}" cannot make models (it needs torch, timm and transformers)`);
    return [];
  }
  const programs = readdirSync(folder).filter((name) => name.endsWith('.pt2'));
  const subjects: Subject[] = [];
  for (const program of programs) subjects.push(await subjectOf(join(folder, program)));
  return subjects;
}

async function subjectOf(program: string): Promise<Subject> {
  const beside = (suffix: string): string => program.replace(/\.pt2$/, suffix);
  const source = fileSource(program);
  try {
    await convertFile({ source, path: beside('.onnx'), options: {}, weights: 'embed' });
  } finally {
    source.close();
  }
  const name = program.slice(program.lastIndexOf('/') + 1, -'.pt2'.length);
  return { name, fp32: beside('.onnx'), calibration: beside('.calibration.npz'), samples: beside('.samples.npz') };
}

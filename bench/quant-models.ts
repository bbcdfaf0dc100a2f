/** ResNet-50, MobileNetV2, ViT-tiny and a BERT with their data, made by Python and converted by us. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
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

const MODELS = ['mobilenetv2', 'resnet50', 'vit_tiny', 'bert'] as const;

/**
 * Those of the names that the folder does not have yet are made; all of them where none is named. None where PYTHON
 * lacks what they are made with: it says so.
 */
export async function madeModels(
  python: string,
  folder: string,
  names: readonly string[] = [],
): Promise<readonly Subject[]> {
  const wanted = names.length > 0 ? names : MODELS;
  const missing = wanted.filter((name) => !existsSync(join(folder, `${name}.samples.npz`)));
  const command = [join(import.meta.dirname, 'quant-models.py'), folder, ...missing];
  if (missing.length && spawnSync(python, command, { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) {
    console.log(`SKIPPED: "${python}" cannot make models (it needs torch, timm and transformers)`);
    return [];
  }
  const subjects: Subject[] = [];
  for (const name of wanted) subjects.push(await subjectOf(join(folder, `${name}.pt2`), name));
  return subjects;
}

async function subjectOf(program: string, name: string): Promise<Subject> {
  const beside = (suffix: string): string => program.replace(/\.pt2$/, suffix);
  const source = fileSource(program);
  try {
    await convertFile({ source, path: beside('.onnx'), options: {}, weights: 'embed' });
  } finally {
    source.close();
  }
  return { name, fp32: beside('.onnx'), calibration: beside('.calibration.npz'), samples: beside('.samples.npz') };
}

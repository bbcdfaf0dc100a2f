/** `torchferry convert` to FP32. */
import { type FileOutcome } from '../outcomes.ts';
import { size } from '../sizes.ts';
import { bytesOf, type Task, toOnnx } from './task.ts';

export async function makeFp32(task: Task): Promise<FileOutcome> {
  const { written, facts, warnings } = await toOnnx(task, task.path, task.weights);
  return {
    text:
      `${task.path}: ${facts.onnxNodes} nodes, opset ${facts.opset}, ${size(bytesOf(written.files))}` +
      (facts.validFor ? `\n  valid for ${facts.validFor.join(', ')}` : '') +
      (facts.losesNaN ? `\n  NaN may get lost in ${facts.losesNaN.join(', ')} (--nan exact carries it)` : ''),
    facts: { files: written.files, warnings, ...facts },
  };
}

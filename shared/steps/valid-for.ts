/** Conditions on input sizes that a converted model carries in its metadata. */
import { VALID_FOR } from '../convert/convert.ts';
import type { Model } from '../onnx/ir.ts';
import type { Condition } from '../tensor/condition.ts';
import { parseCondition } from '../torch/condition-expression.ts';

/** Those that can be read; a file may hold anything under any key. */
export function validFor({ metadata }: Model): Condition[] {
  const text = metadata.get(VALID_FOR);
  if (text === undefined) return [];
  try {
    const texts: unknown = JSON.parse(text);
    return Array.isArray(texts) ? texts.flatMap((item) => parseCondition(String(item)) ?? []) : [];
  } catch {
    return [];
  }
}

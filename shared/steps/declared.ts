/** What a model's graph declares of its inputs and outputs, in the words of the runtime. */
import { NAMES } from '../convert/interface-names.ts';
import { fail } from '../errors.ts';
import type { Model, Value } from '../onnx/ir.ts';
import type { Declared } from '../runtime/session.ts';

type Side = 'inputs' | 'outputs';

export function declaredOf(model: Model, side: Side): Declared[] {
  const aliases = aliasesIn(model, side);
  return model.graph[side].map((value: Value) => {
    const { name, type } = value;
    if (!type) {
      const reason = 'it has no type of element or no shape; infer them first (onnx.shape_inference)';
      return fail('CorruptModel', { file: 'the model', where: `"${name}" of its ${side}`, reason });
    }
    const other = aliases.get(name);
    return { name, type, ...(other ? { aliases: other } : {}) };
  });
}

/** Other names, as the conversion left them in the metadata; a file may hold anything under any key. */
function aliasesIn({ metadata }: Model, side: Side): Map<string, readonly string[]> {
  const text = metadata.get(NAMES);
  if (text === undefined) return new Map();
  try {
    const all = (JSON.parse(text) as Partial<Record<Side, unknown>> | null)?.[side];
    const entries = Object.entries(typeof all === 'object' && all !== null ? all : {});
    return new Map(entries.filter((entry): entry is [string, string[]] => isTexts(entry[1])));
  } catch {
    return new Map();
  }
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

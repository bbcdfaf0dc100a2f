/** Arguments of a node: the tags of the schema's union, all of them, as `Argument`. */
import type { Argument } from '../program.ts';
import type { Json } from '../json.ts';
import { readDtype, readLayout, readMemoryFormat } from './enums.ts';
import { readGraph } from './graph.ts';
import type { Reading } from './reading.ts';
import { operatorName } from './target.ts';

type Read = (json: Json, reading: Reading) => Argument;

const NONE: Argument = { kind: 'none' };
const list = (items: readonly Argument[]): Argument => ({ kind: 'list', items });
const listOf =
  (read: Read): Read =>
  (json, reading) =>
    list(json.items().map((item) => read(item, reading)));

const readInt: Read = (json) => ({ kind: 'int', value: json.integer() });
const readFloat: Read = (json) => ({ kind: 'float', value: json.float() });
const readBool: Read = (json) => ({ kind: 'bool', value: json.boolean() });
const readString: Read = (json) => ({ kind: 'string', value: json.string() });
const readTensor: Read = (json) => ({ kind: 'tensor', name: json.get('name').name() });
const readObject: Read = (json) => ({ kind: 'object', name: json.get('name').name() });

/** A symbolic scalar is the name of a value, or a plain number between names. */
const symbolic =
  (kind: 'symint' | 'symbool' | 'symfloat', plain: Record<string, Read>): Read =>
  (json, reading) => {
    const [tag, value] = json.union();
    if (tag === 'as_name') return { kind, name: value.name() };
    return Object.hasOwn(plain, tag) ? plain[tag]!(value, reading) : value.fail(`"${tag}" is unknown here`);
  };
const readSymInt = symbolic('symint', { as_int: readInt });
const readSymBool = symbolic('symbool', { as_bool: readBool });
const readSymFloat = symbolic('symfloat', { as_float: readFloat, as_int: readFloat });

/** Schema 2 wrote the name alone instead of an object with a name. */
const optionalName = (json: Json): string | null => {
  const [tag, value] = json.union();
  if (tag === 'as_none') return null;
  if (tag !== 'as_tensor') value.fail(`"${tag}" is unknown here`);
  return typeof value.value === 'string' ? value.name() : value.get('name').name();
};

const readDevice: Read = (json) => {
  if (typeof json.value === 'string') return { kind: 'device', value: json.value };
  const index = json.optional('index')?.size();
  return { kind: 'device', value: json.get('type').string() + (index === undefined ? '' : `:${index}`) };
};

const readTensors: Read = (json) => ({ kind: 'tensors', names: json.items().map((item) => item.get('name').name()) });

const TAGS: Readonly<Record<string, Read>> = {
  as_none: () => NONE,
  as_tensor: readTensor,
  as_tensors: readTensors,
  as_optional_tensor: (json) => {
    const name = optionalName(json);
    return name === null ? NONE : { kind: 'tensor', name };
  },
  as_optional_tensors: (json) => ({ kind: 'tensors', names: json.items().map(optionalName) }),
  as_nested_tensors: listOf(readTensors),
  as_int: readInt,
  as_ints: listOf(readInt),
  as_int_lists: listOf(listOf(readInt)),
  as_float: readFloat,
  as_floats: listOf(readFloat),
  as_float_lists: listOf(listOf(readFloat)),
  as_bool: readBool,
  as_bools: listOf(readBool),
  as_string: readString,
  as_strings: listOf(readString),
  as_complex: (json) => ({ kind: 'complex', value: [json.get('real').float(), json.get('imag').float()] }),
  as_sym_int: readSymInt,
  as_sym_ints: listOf(readSymInt),
  as_sym_bool: readSymBool,
  as_sym_bools: listOf(readSymBool),
  as_sym_float: readSymFloat,
  as_sym_floats: listOf(readSymFloat),
  as_scalar_type: (json) => ({ kind: 'dtype', value: readDtype(json) }),
  as_memory_format: (json) => ({ kind: 'memory_format', value: readMemoryFormat(json) }),
  as_layout: (json) => ({ kind: 'layout', value: readLayout(json) }),
  as_device: readDevice,
  as_graph: (json, reading) => ({ kind: 'graph', graph: readGraph(json.get('graph'), reading.deeper(json)) }),
  as_custom_obj: readObject,
  as_operator: (json) => ({ kind: 'operator', value: operatorName(json.name()) }),
  // A dictionary, as pairs of name and value.
  as_string_to_argument: (json, reading) =>
    list(
      json
        .entries()
        .map(([key, value]) => list([{ kind: 'string', value: key }, readArgument(value, reading.deeper(value))])),
    ),
};

export function readArgument(json: Json, reading: Reading): Argument {
  const [tag, value] = json.union();
  if (!Object.hasOwn(TAGS, tag)) json.fail(`"${tag}" is no kind of argument`);
  return TAGS[tag]!(value, reading);
}

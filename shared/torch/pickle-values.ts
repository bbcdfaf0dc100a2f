/**
 * What a pickle can hold, as plain data: nothing here runs, and classes we do not know stay closed boxes with a name.
 */

export type PickleValue =
  | null
  | boolean
  | number
  /** Integers beyond 2^53. */
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Tuple
  | Dict
  | Set<PickleValue>
  | Global
  | OpaqueObject
  /** Objects made by the table of allowed globals: tensors, storages, dtypes. */
  | Rebuilt;

export type Dict = Map<PickleValue, PickleValue>;

/** A dictionary with attributes: a state dict keeps the list of its modules in `_metadata`. */
export class OrderedDict extends Map<PickleValue, PickleValue> {
  attributes: PickleValue = null;
}

export class Tuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A class or function by its name only. */
export class Global {
  readonly name: string;
  constructor(module: string, name: string) {
    this.name = `${module}.${name}`;
  }
}

/** An instance of a class we do not rebuild: its name and what the file would have given it. */
export class OpaqueObject {
  readonly className: string;
  readonly args: readonly PickleValue[];
  state: PickleValue = null;
  /** What a subclass of list or dict was filled with. */
  readonly items: PickleValue[] = [];
  readonly entries: Dict = new Map();
  constructor(className: string, args: readonly PickleValue[]) {
    this.className = className;
    this.args = args;
  }
}

/** Base of the objects that allowed globals make. */
export abstract class Rebuilt {
  /** Takes the state of a BUILD opcode; most have none. */
  build(_state: PickleValue): void {}
}

/** Python's dictionaries, whether plain or of a subclass. */
export function dictOf(value: PickleValue | undefined): Dict | null {
  if (value instanceof Map) return value;
  return value instanceof OpaqueObject && value.entries.size > 0 ? value.entries : null;
}

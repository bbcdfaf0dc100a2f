/** Where a node comes from: module path, class and line, read from the metadata PyTorch records. */
import type { TorchSource } from '../program.ts';
import type { Json } from '../json.ts';

const PATH_LIMIT = 1000;
/** What torch writes for nodes of its own that belong to no module. */
const NO_STACK = '_empty_nn_module_stack';

/** Metadata is for messages only: what cannot be read is left out. */
export function readSource(metadata: Json): TorchSource {
  const stack = text(metadata, 'nn_module_stack');
  const trace = text(metadata, 'stack_trace');
  const innermost = stack && !stack.startsWith(NO_STACK) ? splitEntry(stack.slice(stack.lastIndexOf(';') + 1)) : null;
  return {
    module: innermost ? modulePath(innermost.path) : '',
    moduleClass: innermost?.class || null,
    line: trace ? lastLine(trace) : null,
  };
}

function text(metadata: Json, key: string): string {
  if (metadata.isAbsent) return '';
  const value = metadata.get(key).value;
  return typeof value === 'string' ? value : '';
}

/** `key,path,class`, where a path such as `getattr(L['self'].x, '0')` holds commas of its own. */
function splitEntry(entry: string): { path: string; class: string } | null {
  const first = entry.indexOf(',');
  const last = entry.lastIndexOf(',');
  return first < 0 || last === first || entry.length > PATH_LIMIT
    ? null
    : { path: entry.slice(first + 1, last), class: entry.slice(last + 1) };
}

/**
 * `L['self'].layers[0].conv`, `getattr(L['self'].x, '0')` and `layers.0.conv` alike are a dotted path; `@1` marks a
 * second call.
 */
export function modulePath(path: string): string {
  let plain = path;
  for (let before = ''; before !== plain;) {
    before = plain;
    plain = plain.replace(/getattr\(([^()]*), ['"]([^'"]*)['"]\)/, '$1.$2');
  }
  return plain
    .replace(/^L\[['"]self['"]\]\.?|^L__self__[._]?/, '')
    .replace(/(?:^|\.)_modules\[['"]([^'"]*)['"]\]/g, '.$1')
    .replace(/\[['"]?([^\]'"]*)['"]?\]/g, '.$1')
    .replace(/@\d+/g, '')
    .replace(/^\.+/, '');
}

/** The innermost frame: `net.py:12`. */
function lastLine(trace: string): string | null {
  const [, file, line] = /^File "([^"\n]*)", line (\d+)/.exec(trace.slice(trace.lastIndexOf('File "'))) ?? [];
  return file === undefined ? null : `${file.split(/[\\/]/).at(-1)}:${line}`;
}

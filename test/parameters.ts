/** The parameter lists of a source file, by its syntax tree. */
import { parseAst } from 'vitest/node';

export interface ParameterList {
  /** 1 for the first line. */
  readonly line: number;
  /** Each as it is written, with its type and default. */
  readonly parameters: readonly string[];
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly params?: readonly SyntaxNode[];
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';

/** Of declarations, arrows, methods, signatures and function types. */
export function parameterLists(text: string): ParameterList[] {
  const lists: ParameterList[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (!isNode(value)) return;
    if (Array.isArray(value.params) && !value.type.startsWith('TSType'))
      lists.push({
        line: text.slice(0, value.start).split('\n').length,
        parameters: value.params.map(({ start, end }) => text.slice(start, end)),
      });
    Object.values(value).forEach(visit);
  };
  visit(parseAst(text, { lang: 'ts' }));
  return lists;
}

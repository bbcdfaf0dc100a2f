/** The row of an operator of any domain. */
import { CONTRIB, CONTRIB_DOMAIN } from './contrib.ts';
import { OPS } from './index.ts';
import type { OpRow } from './row.ts';

const DOMAINS: Readonly<Record<string, Readonly<Record<string, OpRow>>>> = { '': OPS, [CONTRIB_DOMAIN]: CONTRIB };

/** undefined: no operator torchferry knows. */
export function rowOf({ op, domain }: { readonly op: string; readonly domain: string }): OpRow | undefined {
  const rows = Object.hasOwn(DOMAINS, domain) ? DOMAINS[domain]! : {};
  return Object.hasOwn(rows, op) ? rows[op] : undefined;
}

/**
 * Who may ask: only the page itself. A name that resolves to this machine (DNS rebinding) has another Host; the form or
 * script of another site has another Origin.
 */
import type { MiddlewareHandler } from 'hono';
import { fail } from '../shared/errors.ts';

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/;
const READING = new Set(['GET', 'HEAD']);

/** What no page may do with what is sent, whatever it is; the pages bring more of their own. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

export const guard: MiddlewareHandler = async (c, next) => {
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  const host = c.req.header('host') ?? '';
  if (!LOOPBACK.test(host)) {
    fail('RequestRefused', { problem: `the host "${host}" is not this machine`, hint: 'open the address it printed' });
  }
  if (!READING.has(c.req.method)) {
    const origin = c.req.header('origin') ?? '';
    if (origin !== `http://${host}`) {
      const problem = origin === '' ? 'it does not say which page asks' : `"${origin}" is another page`;
      fail('RequestRefused', { problem, hint: 'use the page of this server' });
    }
  }
  await next();
};

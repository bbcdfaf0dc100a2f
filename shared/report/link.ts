/** Links of a page to files near it. */

/** A link cannot run anything: https, or a path below the page with every segment encoded. */
export function safeLink(target: string): string {
  if (target.startsWith('https://')) return target;
  return `./${target
    .split('/')
    .filter((part) => part !== '')
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/')}`;
}

/** Of a file among the results: it lies beside the report, whatever folder its key names. */
export const linkBeside = (path: string): string => safeLink(baseName(path));

/** The last part of a key or path. */
export const baseName = (key: string): string => key.split('/').findLast((part) => part !== '') ?? key;

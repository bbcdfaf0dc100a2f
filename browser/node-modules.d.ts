// Files that have a second form for browsers (package.json) are checked with Node's names elsewhere. Names of
// Node that other files use are errors here, and its modules when the page is built.
declare module 'node:crypto';
declare module 'node:fs/promises';
declare module 'node:path';
declare module 'node:process';
declare module 'node:util';
declare module 'node:zlib';

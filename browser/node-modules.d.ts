// bytes/platform.ts is checked with Node's names elsewhere, and another file stands in its place in a browser. Names of
// Node that other files use are errors here, and its modules when the page is built.
declare module 'node:crypto';
declare module 'node:util';
declare module 'node:zlib';

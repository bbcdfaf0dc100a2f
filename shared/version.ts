/** The version of this package; `npm run build` and the tests hold it against package.json. */
export const VERSION = '0.1.0';

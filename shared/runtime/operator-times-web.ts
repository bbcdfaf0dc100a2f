/** `operator-times.ts` for browsers, where onnxruntime has no place to write its profile. */
export const operatorTimes = (): Promise<null> => Promise.resolve(null);

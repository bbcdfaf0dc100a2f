/** asl-validator ships no types that its entry point leads to. */
declare module 'asl-validator' {
  export default function validate(machine: object): { readonly isValid: boolean; readonly errors: readonly unknown[] };
}

/** The arguments that every schema of an operator making tensors ends with. */
export const OPTIONS = 'ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None';

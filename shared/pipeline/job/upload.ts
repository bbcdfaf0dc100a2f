/** Which object names start a conversion, whatever their case. */

export const MODEL_EXTENSIONS = ['.pt2', '.pt', '.pth', '.onnx'] as const;

export const isModelName = (key: string): boolean =>
  MODEL_EXTENSIONS.some((extension) => key.toLowerCase().endsWith(extension));

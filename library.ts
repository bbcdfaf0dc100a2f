/** torchferry as a library: open, convert, quantize, validate, report, or the whole pipeline on this machine. */
export { memorySource, type ByteSource } from './shared/bytes/byte-source.ts';
export { fileSource } from './shared/bytes/file-source.ts';
export { convertProgram, type ConvertOptions } from './shared/convert/convert.ts';
export { FAILURE_CODES, type FailureCode, FerryError, isFailure } from './shared/errors.ts';
export { openModel, readModel } from './shared/onnx/proto/read.ts';
export { writeModel } from './shared/onnx/proto/write.ts';
export { convertFile } from './shared/steps/convert-file.ts';
export { Model, Torch2ONNXConfig, type Torch2ONNXOptions } from './shared/steps/export-model.ts';
export { tuneFile, type TuneFileRequest } from './shared/steps/tune-file.ts';
export { quantizeModel } from './shared/quantize/quantize.ts';
export type { Report } from './shared/report/report.ts';
export { readSamples, type Samples } from './shared/runtime/samples.ts';
export { validateModel } from './shared/runtime/validate.ts';
export { declaredOf } from './shared/steps/declared.ts';
export { readNpz, writeNpz } from './shared/tensor/npz.ts';
export { openProgram } from './shared/formats/open.ts';
export { VERSION } from './shared/version.ts';
export { runLocal } from './local/run.ts';

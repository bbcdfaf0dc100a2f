/** What to do about a failure, per code; the message itself names the file and the values. */
import type { FailureCode } from '../errors.ts';

/** Names that AWS gives to what ends a stage from outside, and that of a broken line of a manifest. */
export const AWS_CODES = [
  'AmazonECS.Unknown',
  'BadManifestRow',
  'Fargate.NoCode',
  'Fargate.TaskStopped',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ServiceException',
  'Lambda.TooManyRequestsException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Sandbox.Timedout',
  'States.DataLimitExceeded',
  'States.HeartbeatTimeout',
  'States.Timeout',
] as const;
type AwsError = (typeof AWS_CODES)[number];

const OUT_OF_MEMORY =
  'The stage was ended from outside, most often because the model needs more memory than it has. Give the stage more ' +
  'memory (memoryMb or fargateMemoryMb of the deployment), or run on one machine; then start the job again.';
const OUT_OF_AWS =
  'AWS could not run the stage although it was tried for minutes. Start the job again, or redrive its execution.';

const NEXT_STEPS: Readonly<Record<FailureCode | AwsError, string>> = {
  AccessDenied:
    'Allow the role of the pipeline what the message says (a policy of the bucket or of the KMS key may deny it), ' +
    'then start the job again.',
  AccuracyNotMet:
    'Allow more (accuracy), look for it longer (tuning: what was tried is not tried again), or use the FP32 model.',
  BadCalibrationData:
    'Give calibration samples with the names, dtypes and shapes of the model\'s inputs (see "Inputs, ' +
    'outputs, conversion"), then run the job again.',
  BadJob: 'Correct the job file at the path named above, then upload it again.',
  BadKey: 'Rename the object, then upload it again.',
  BadOption: 'Correct the option, then run the job again.',
  BadOutput: 'Choose another name or folder for the result, then run it again.',
  BadReferenceData:
    'Give reference inputs and outputs that fit the model, or leave them out; the report then says what ' +
    'was not compared.',
  ConversionFailed:
    'This is a fault of the conversion, not of your model. Please report the operator with report.json.',
  CorruptArchive:
    'The file is cut short or damaged. Compare its SHA-256 with the original, save the model again or upload it again.',
  CorruptModel: 'Save the model again with torch.export.save. If the new file fails too, please report it.',
  FileNotFound: 'Check the path or key, then run the job again.',
  FileSystem: 'Do what the message says (free space, permissions, the path), then run the job again.',
  FileReplaced: 'Look at the job of the newer upload; if there is none, upload the file again.',
  JobTakenOver: 'Look at the report of the execution that has the job now ("torchferry status").',
  LimitExceeded:
    'The file is outside what torchferry reads safely. If it is honest, please report its size and where it came from.',
  MalwareFound: 'Delete the file, and look where it came from: GuardDuty says what it found.',
  ModelDoesNotLoad: 'This is a fault of the conversion, not of your model. Please report it with report.json.',
  ModelDoesNotRun: 'Check that the sample inputs fit the model. If they do, please report it with report.json.',
  ModelTooLarge:
    'Deploy with larger functions (-c largeMemoryMb=10240) or Fargate tasks (-c fargateMemoryMb=122880), or run on ' +
    'one machine with more memory (torchferry run).',
  NoWeights: 'Save the program with its real parameters, outside FakeTensorMode.',
  NotScanned: 'Do what the message says, then upload the file again; without a scan nothing reads it.',
  NothingToJudgeBy: 'Give test or calibration data, or say how to quantize instead of recipe "auto".',
  NothingToQuantize: 'Use the FP32 model, or let the recipe quantize more operators.',
  BadUpload: 'Correct the name or drop the files again.',
  RequestRefused: 'Open the address that "torchferry serve" printed.',
  OutputInUse: 'Wait for the other run, or choose another output folder.',
  QuantizedModelDiffers:
    'Give the FP32 model (.pt2 or .onnx) that the INT8 model was made from, with its module names, beside the INT8 ' +
    'file.',
  RecordedTypeDiffers:
    'This is a fault of the conversion, not of your model. Please report the operator with report.json.',
  ScanPending:
    'Wait for the scan, then start the job again. Where it never comes, look at the plan of GuardDuty Malware ' +
    'Protection, and whether the object has ten tags already.',
  StorageRefused: 'Correct what the message says of the bucket or object, then start the job again.',
  StorageUnavailable: 'Start the job again; it was tried several times, so S3 or the network was in trouble for long.',
  UnsafePickle:
    'Save tensors only, or an exported program (torch.export.save). Do not load this file in Python ' +
    'unless you trust its origin.',
  UnsupportedArgument:
    'Change the operator in the model to a supported form, or ask for it with the operator and argument named above.',
  UnsupportedFormat:
    'Give a program saved with torch.export.save (.pt2), or an ONNX model, then run the job again. The message above ' +
    'says what this file is.',
  UnsupportedMutation:
    'Copy the tensor first (clone) in the model, or run_decompositions() on the exported program before saving.',
  UnsupportedOperator:
    'Replace the operators named above in the model, or run_decompositions() on the exported program ' +
    'before saving. "torchferry ops" lists what is supported.',
  UnsupportedOpset: 'Ask for a newer opset in the job.',
  UnsupportedType: 'Cast to a supported dtype in the model before exporting it.',
  CriterionMissed:
    'The report says what to do, in order of gain. Where the limit asks for more than the model can keep, set another.',
  ValidationFailed:
    'Do not use the model. The comparison tables show which output differs; please report it with report.json.',
  UploadTooLarge: 'Start the server with a larger --max-mb, or run the model with "torchferry run".',
  WrongUsage: 'Correct the command, then run it again.',
  BadManifestRow: 'Mend the line of the manifest that is named, then start a batch with failed.jsonl.',
  'Lambda.AWSLambdaException': OUT_OF_AWS,
  'Lambda.SdkClientException': OUT_OF_AWS,
  'Lambda.ServiceException': OUT_OF_AWS,
  'Lambda.TooManyRequestsException':
    'More stages were wanted at once than the account may run. Raise the limit or upload more slowly, then start the ' +
    'job again.',
  'Lambda.Unknown': OUT_OF_MEMORY,
  'Runtime.ExitError': OUT_OF_MEMORY,
  'Runtime.OutOfMemory': OUT_OF_MEMORY,
  'Sandbox.Timedout':
    'The stage took longer than its time limit. Give fewer samples or more memory, or run on one machine.',
  'States.DataLimitExceeded': 'This is a fault of torchferry. Please report it with report.json.',
  'AmazonECS.Unknown':
    'Fargate had no room for the task, or the account may not run as many vCPUs at once. Raise the quota ' +
    '(Fargate On-Demand vCPU), then redrive the execution.',
  'Fargate.NoCode':
    'The task could not fetch its code from the bucket of CDK. Deploy again, and look at what the role of the task ' +
    'may read; then redrive the execution.',
  'Fargate.TaskStopped': 'The task was stopped from outside. Redrive its execution.',
  'States.HeartbeatTimeout':
    'Nothing was heard of a task for minutes: it did not start (its subnets need a way to public.ecr.aws, S3, Step ' +
    'Functions and CloudWatch Logs), or it was ended. Look at its log, then redrive the execution.',
  'States.Timeout':
    'The stage took longer than its time limit. Give fewer samples or more memory, or run on one machine.',
};

const OTHERWISE = 'Please report this with report.json: an error without a code is a fault of torchferry.';

export const nextStep = (code: string): string =>
  Object.hasOwn(NEXT_STEPS, code) ? NEXT_STEPS[code as FailureCode] : OTHERWISE;

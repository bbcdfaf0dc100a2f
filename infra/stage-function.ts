/**
 * A stage as a Lambda function, with the defaults of this house: Node 24, JSON logs that end, traces, a role of its
 * own, no more.
 */
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage, Duration, Size } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { fargateTiers } from '../shared/pipeline/machine/fargate-sizes.ts';
import type { Stage } from '../shared/pipeline/machine/stage.ts';
import { type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';
import type { Tier, TierName } from '../shared/pipeline/machine/tiers.ts';
import { bundle, type NodeArch } from './bundle.ts';
import type { Buckets } from './buckets.ts';
import { allow } from './grants.ts';
import { logsOf } from './logs.ts';
import { allowScanTags } from './malware-protection.ts';
import { acknowledge, wildcard } from './nag.ts';
import type { Settings } from './props.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** By Lambda's name of it. */
const NODE_ARCH = new Map<string, NodeArch>([
  [Architecture.ARM_64.name, 'arm64'],
  [Architecture.X86_64.name, 'x64'],
]);

// What may be held by one model: these get the memory and the limit that a deployment chooses.
const HOLDS_A_MODEL_MB = 2048;

type Around = Pick<StageFunctionParts, 'buckets' | 'settings'>;

/** What the code of a stage finds around it, wherever it runs. */
export const environmentOf = ({ buckets, settings }: Around): Record<string, string> => ({
  POWERTOOLS_SERVICE_NAME: 'torchferry',
  POWERTOOLS_METRICS_NAMESPACE: 'Torchferry',
  POWERTOOLS_TRACER_CAPTURE_RESPONSE: 'false',
  // onnxruntime for Linux sends usage data to its makers unless told not to.
  ORT_DISABLE_TELEMETRY: '1',
  ...(settings.malwareProtection ? { SCANNED_BUCKET: buckets.input.bucketName } : {}),
});

/** What a stage may touch, wherever it runs. */
export function allowStage(role: Role, { grants }: Stage, { buckets, settings }: Around): void {
  allow(role, grants, buckets);
  if (settings.malwareProtection) allowScanTags(role, grants, buckets);
}

interface StageFunctionParts {
  readonly buckets: Buckets;
  readonly settings: Settings;
  readonly size?: TierName;
}

/** Id and placeholder of the second function of a stage. */
export const largeName = (name: StageName): string => STAGES[name].functionName.replace('Function', 'LargeFunction');

/** Stages that take more of a machine for a larger model. */
export const STAGES_OF_TWO_SIZES: readonly StageName[] = Object.entries<Stage>(STAGES).flatMap(([name, { needs }]) =>
  needs && needs.memory.ofModel > 0 ? [name as StageName] : [],
);

function memoryOf(stage: Stage, size: TierName, { memoryMb, largeMemoryMb }: Settings): number {
  const chosen = size === 'large' ? largeMemoryMb : memoryMb;
  return (stage.memoryMb >= HOLDS_A_MODEL_MB && chosen) || stage.memoryMb;
}

/** What holds a model in this deployment. */
export function tiersOf(settings: Settings): readonly Tier[] {
  const names: readonly TierName[] = settings.largeMemoryMb === undefined ? ['standard'] : ['standard', 'large'];
  const functions = names.map((name) => ({
    name,
    memoryMb: memoryOf(STAGES.validate, name, settings),
    temporaryMb: STAGES.validate.temporaryMb,
  }));
  return [...functions, ...fargateTiers(settings.fargateMemoryMb ?? 0)];
}

export function stageFunction(
  scope: Construct,
  name: StageName,
  { buckets, settings, size = 'standard' }: StageFunctionParts,
): LambdaFunction {
  const stage: Stage = STAGES[name];
  const id = size === 'large' ? largeName(name) : stage.functionName;
  const large = stage.memoryMb >= HOLDS_A_MODEL_MB;
  const logGroup = logsOf(scope, id, { settings });
  const role = new Role(scope, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
  });
  role.addToPolicy(
    new PolicyStatement({ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] }),
  );
  role.addToPolicy(
    new PolicyStatement({ actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], resources: ['*'] }),
  );
  acknowledge(role, { [wildcard(role, '*')]: 'traces: X-Ray knows no resources' });
  allowStage(role, stage, { buckets, settings });

  return new LambdaFunction(scope, id, {
    description: `torchferry: ${name}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: settings.architecture,
    handler: 'index.handler',
    code: stageCode(name, settings.architecture),
    memorySize: memoryOf(stage, size, settings),
    timeout: Duration.seconds(stage.timeoutSeconds),
    ephemeralStorageSize: Size.mebibytes(stage.temporaryMb),
    ...(large && settings.reservedConcurrency !== undefined
      ? { reservedConcurrentExecutions: settings.reservedConcurrency }
      : {}),
    role,
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    tracing: Tracing.ACTIVE,
    environment: environmentOf({ buckets, settings }),
  });
}

/**
 * Bundled here and now by esbuild. CDK asks for an image and a command; they are never used, but tell one bundle from
 * another where CDK remembers them.
 */
export function stageCode(name: StageName, architecture: Architecture): Code {
  const arch = NODE_ARCH.get(architecture.name)!;
  const tryBundle = (folder: string): boolean => {
    bundle(name, folder, arch);
    return true;
  };
  const bundling = { image: DockerImage.fromRegistry('unused'), command: [name, arch], local: { tryBundle } };
  return Code.fromAsset(ROOT, { assetHashType: AssetHashType.OUTPUT, bundling });
}

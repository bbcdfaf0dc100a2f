/**
 * A stage as Fargate tasks: Node's own image, the function's own code, a role that may do what the stage may, and a
 * task definition for each size.
 */
import { Stack } from 'aws-cdk-lib';
import {
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { CONTAINER, FARGATE_SECONDS, VARIABLES } from '../shared/pipeline/machine/fargate-container.ts';
import { FARGATE_SIZES, type FargateSizeName } from '../shared/pipeline/machine/fargate-sizes.ts';
import { fargateSizesOf } from '../shared/pipeline/machine/fargate-task.ts';
import { type StageName, STAGES } from '../shared/pipeline/machine/stages.ts';
import type { Buckets } from './buckets.ts';
import { fargateCommand } from './fargate-command.ts';
import { logsOf } from './logs.ts';
import { acknowledge } from './nag.ts';
import { nameIn } from './place.ts';
import type { Settings } from './props.ts';
import { allowStage, environmentOf, stageCode } from './stage-function.ts';

// For both architectures, and the Node of the functions: https://gallery.ecr.aws/docker/library/node
const IMAGE = 'public.ecr.aws/docker/library/node:24-bookworm-slim';

const CPU = new Map([
  [Architecture.ARM_64.name, CpuArchitecture.ARM64],
  [Architecture.X86_64.name, CpuArchitecture.X86_64],
]);

export interface FargateStage {
  readonly role: Role;
  /** By size, which a machine starts by their family. */
  readonly definitions: ReadonlyMap<FargateSizeName, FargateTaskDefinition>;
}

export interface FargateStageParts {
  readonly buckets: Buckets;
  readonly settings: Settings;
  /** What starts the containers: writes their logs. */
  readonly executionRole: Role;
}

/** Id and placeholder of a task definition. */
export const definitionName = (stage: StageName, size: FargateSizeName): string =>
  STAGES[stage].functionName.replace('Function', size.charAt(0).toUpperCase() + size.slice(1));

/** Who may be a task of this account. */
export const taskPrincipal = (scope: Construct): ServicePrincipal =>
  new ServicePrincipal('ecs-tasks.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  });

export function fargateStage(scope: Construct, stage: StageName, parts: FargateStageParts): FargateStage {
  const { buckets, settings } = parts;
  const id = STAGES[stage].functionName.replace('Function', 'Fargate');
  const role = new Role(scope, `${id}Role`, { assumedBy: taskPrincipal(scope) });
  allowStage(role, STAGES[stage], { buckets, settings });
  const code = codeOf(scope, id, { stage, settings });
  role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [code.arn] }));
  const logGroup = logsOf(scope, id, { settings });
  const sizes = fargateSizesOf(stage).filter((size) => FARGATE_SIZES[size].memoryMb <= settings.fargateMemoryMb!);
  const definition = (size: FargateSizeName): FargateTaskDefinition =>
    taskDefinition(scope, { stage, size, role, code, logGroup, ...parts });
  return { role, definitions: new Map(sizes.map((size) => [size, definition(size)])) };
}

interface StageCode {
  readonly url: string;
  readonly arn: string;
}

/** Where CDK puts the archive of the stage's function. */
function codeOf(
  scope: Construct,
  id: string,
  { stage, settings }: { readonly stage: StageName; readonly settings: Settings },
): StageCode {
  const { region, urlSuffix, partition } = Stack.of(scope);
  const { s3Location } = stageCode(stage, settings.architecture).bind(new Construct(scope, `${id}Code`));
  const { bucketName, objectKey } = s3Location!;
  return {
    url: `https://s3.${region}.${urlSuffix}/${bucketName}/${objectKey}`,
    arn: `arn:${partition}:s3:::${bucketName}/${objectKey}`,
  };
}

interface DefinitionParts extends FargateStageParts {
  readonly stage: StageName;
  readonly size: FargateSizeName;
  readonly role: Role;
  readonly code: StageCode;
  readonly logGroup: LogGroup;
}

function taskDefinition(scope: Construct, parts: DefinitionParts): FargateTaskDefinition {
  const { stage, size, role, code, logGroup, buckets, settings, executionRole } = parts;
  const { vcpus, memoryMb, storageGib } = FARGATE_SIZES[size];
  const { region, urlSuffix } = Stack.of(scope);
  const id = definitionName(stage, size);
  const definition = new FargateTaskDefinition(scope, id, {
    // A redriven execution of before an update starts the newest of its family.
    family: nameIn(scope, id),
    cpu: vcpus * 1024,
    memoryLimitMiB: memoryMb,
    ephemeralStorageGiB: storageGib,
    runtimePlatform: {
      cpuArchitecture: CPU.get(settings.architecture.name)!,
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
    taskRole: role,
    executionRole,
  });
  definition.addContainer(CONTAINER, {
    image: ContainerImage.fromRegistry(IMAGE),
    command: [...fargateCommand()],
    user: 'node',
    linuxParameters: new LinuxParameters(definition, 'Linux', { initProcessEnabled: true }),
    logging: LogDrivers.awsLogs({ logGroup, streamPrefix: size }),
    environment: {
      ...environmentOf({ buckets, settings }),
      // There is no daemon of X-Ray in a task.
      POWERTOOLS_TRACE_ENABLED: 'false',
      AWS_REGION: region,
      [VARIABLES.stage]: stage,
      [VARIABLES.seconds]: String(FARGATE_SECONDS),
      [VARIABLES.memory]: String(memoryMb),
      [VARIABLES.codeUrl]: code.url,
      [VARIABLES.statesUrl]: `https://states.${region}.${urlSuffix}/`,
    },
  });
  acknowledge(definition, {
    'AwsSolutions-ECS2': 'the variables say where the code lies and which stage it is; there are no secrets',
  });
  return definition;
}

/** Fargate tasks of a deployment that wants them: sizes, network, what they may do and who may start them. */
import { Stack, App } from 'aws-cdk-lib';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { TorchFerry } from '../../infra/torch-ferry.ts';
import { FARGATE_SIZES, FARGATE_SIZE_NAMES } from '../../shared/pipeline/machine/fargate-sizes.ts';
import { FARGATE_STAGES } from '../../shared/pipeline/machine/fargate-task.ts';
import type { Stage } from '../../shared/pipeline/machine/stage.ts';
import { STAGES } from '../../shared/pipeline/machine/stages.ts';
import { allowed, ofType, short, synthesize, type Synthesized, type Untyped } from './synthesize.ts';

const { template, resources } = synthesize({ fargateMemoryMb: '122880' });
const withoutHash = (id: string): string => id.replace(/[0-9A-F]{8}$/, '');
const definitionsOf = (of: Synthesized['resources']): [string, Untyped][] =>
  ofType(of, 'AWS::ECS::TaskDefinition').map(([id, { Properties }]) => [withoutHash(id), Properties]);
const definitions = definitionsOf(resources);
const machineOf = (of: Synthesized['resources']): Untyped =>
  ofType(of, 'AWS::StepFunctions::StateMachine').find(([id]) => id.startsWith('Conversion'))![1].Properties;

it('a deployment has none unless it asks for them', () => {
  const { template: plain } = synthesize();
  for (const type of ['AWS::ECS::Cluster', 'AWS::ECS::TaskDefinition', 'AWS::EC2::VPC']) plain.resourceCountIs(type, 0);
});

describe('task definitions', () => {
  it('are one for each stage and size, and for conversion, which streams, the smallest', () => {
    const sizes = ['Fargate16', 'Fargate30', 'Fargate60', 'Fargate120'];
    expect(definitions.map(([id]) => id)).toEqual([
      'ConvertFargate16',
      ...['Quantize', 'Validate'].flatMap((stage) => sizes.map((size) => `${stage}${size}`)),
    ]);
  });

  it.each(FARGATE_SIZE_NAMES)('%s has the processors, memory and storage of its row', (name) => {
    const size = FARGATE_SIZES[name];
    const id = `Validate${name.replace('f', 'F')}`;
    const [, properties] = definitions.find(([each]) => each === id)!;
    expect(properties).toMatchObject({
      Cpu: String(size.vcpus * 1024),
      Memory: String(size.memoryMb),
      EphemeralStorage: { SizeInGiB: size.storageGib },
      Family: `Torchferry-${id}`,
      NetworkMode: 'awsvpc',
      RequiresCompatibilities: ['FARGATE'],
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
    });
  });

  it('have the image of Node and nothing else, run as its user, log for thirty days, and find their code', () => {
    for (const [id, properties] of definitions) {
      const [container, ...more] = properties.ContainerDefinitions as Untyped[];
      expect(more).toEqual([]);
      expect(container).toMatchObject({
        Name: 'stage',
        Image: 'public.ecr.aws/docker/library/node:24-bookworm-slim',
        User: 'node',
        LinuxParameters: { InitProcessEnabled: true },
        LogConfiguration: { LogDriver: 'awslogs' },
      });
      const variables = Object.fromEntries(
        (container.Environment as { Name: string; Value: unknown }[]).map(({ Name, Value }) => [Name, short(Value)]),
      );
      expect(variables).toMatchObject({
        STAGE: STAGE_OF(id),
        CODE_URL: expect.stringMatching(/^https:\/\/s3\.<AWS::Region>\.<AWS::URLSuffix>\/cdk-.*\/[0-9a-f]{64}\.zip$/),
        STATES_URL: 'https://states.<AWS::Region>.<AWS::URLSuffix>/',
        TASK_MEMORY_MB: properties.Memory,
        ORT_DISABLE_TELEMETRY: '1',
        POWERTOOLS_TRACE_ENABLED: 'false',
      });
      // What ECS takes of a definition: 64 KiB.
      expect(JSON.stringify(properties).length, id).toBeLessThan(32_768);
    }
    for (const [, { Properties }] of ofType(resources, 'AWS::Logs::LogGroup'))
      expect(Properties['RetentionInDays']).toBe(30);
  });

  it('are those of the other architecture where the deployment is', () => {
    const other = definitionsOf(synthesize({ fargateMemoryMb: '16384', architecture: 'x86_64' }).resources);
    expect(other.map(([id, { RuntimePlatform }]) => [id, RuntimePlatform.CpuArchitecture])).toEqual([
      ['ConvertFargate16', 'X86_64'],
      ['QuantizeFargate16', 'X86_64'],
      ['ValidateFargate16', 'X86_64'],
    ]);
  });
});

const STAGE_OF = (id: string): string => id.replace(/Fargate\d+$/, '').toLowerCase();

describe('the machine', () => {
  const properties = machineOf(resources);
  const definition = JSON.parse(properties.DefinitionString) as Untyped;

  it('is told of the tiers, and every placeholder has a value', () => {
    const { tiers } = definition.States.Claim.Arguments.Payload as { tiers: { name: string }[] };
    expect(tiers.map(({ name }) => name)).toEqual(['standard', ...FARGATE_SIZE_NAMES]);
    const placeholders = [...JSON.stringify(definition).matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]!);
    expect(Object.keys(properties.DefinitionSubstitutions)).toEqual(expect.arrayContaining([...new Set(placeholders)]));
    expect(properties.DefinitionSubstitutions).toMatchObject({
      ValidateFargate60: 'Torchferry-ValidateFargate60',
      FargateSubnet0: { Ref: expect.stringMatching(/^FargateVpcPublicSubnet1/) },
      FargateSubnet1: { Ref: expect.stringMatching(/^FargateVpcPublicSubnet2/) },
    });
    expect(definition.States.ConvertOnFargate.Arguments).toMatchObject({
      LaunchType: 'FARGATE',
      TaskDefinition: '${ConvertFargate16}',
      NetworkConfiguration: {
        AwsvpcConfiguration: { Subnets: ['${FargateSubnet0}', '${FargateSubnet1}'], AssignPublicIp: 'ENABLED' },
      },
    });
  });

  it('may start these tasks in this cluster and pass their roles, and nothing wider', () => {
    const own = allowed(resources, /^ConversionRole/).filter((line) => /^(ecs|iam):/.test(line));
    const arn = 'arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task-definition';
    const inCluster = 'if {"ArnEquals":{"ecs:cluster":{"Fn::GetAtt":["FargateCluster","Arn"]}}}';
    const toTasks = 'if {"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}';
    expect(own).toEqual(
      [
        ...definitions.map(([id]) => `ecs:RunTask ${arn}/Torchferry-${id}:* ${inCluster}`),
        ...['FargateExecutionRole', 'ConvertFargateRole', 'QuantizeFargateRole', 'ValidateFargateRole'].map(
          (role) => `iam:PassRole <${role}.Arn> ${toTasks}`,
        ),
      ].toSorted(),
    );
    expect(allowed(resources, /^BatchRole/).filter((line) => /^(ecs|iam):/.test(line))).toEqual([]);
  });
});

describe('a task', () => {
  it.each(FARGATE_STAGES)('of %s may do what its function may, fetch its code and answer', (stage) => {
    const id = STAGES[stage].functionName.replace('Function', 'Fargate');
    const tasks = allowed(resources, new RegExp(`^${id}Role`));
    const functions = allowed(resources, new RegExp(`^${STAGES[stage].functionName}Role`));
    const ofStage = functions.filter((line) => line.startsWith('s3:'));
    expect(ofStage.length).toBeGreaterThanOrEqual((STAGES[stage] as Stage).grants.length);
    const code = tasks.filter((line) => /^s3:GetObject .*:s3:::cdk-[^*]*\/[0-9a-f]{64}\.zip$/.test(line));
    expect(code).toHaveLength(1);
    const answers = ['Success', 'Failure', 'Heartbeat'].map(
      (kind) => `states:SendTask${kind} <ConversionStateMachine>`,
    );
    expect(tasks).toEqual([...ofStage, ...code, ...answers].toSorted());
  });

  it('reads nothing that is not scanned where uploads are', () => {
    const { resources: scanned } = synthesize({ fargateMemoryMb: '16384', malwareProtection: 'true' });
    for (const [, { ContainerDefinitions }] of definitionsOf(scanned))
      expect(ContainerDefinitions[0].Environment).toContainEqual({
        Name: 'SCANNED_BUCKET',
        Value: { Ref: expect.stringMatching(/^InputBucket/) },
      });
    expect(allowed(scanned, /^ValidateFargateRole/)).toContain('s3:GetObjectVersionTagging <InputBucket.Arn>/*');
  });

  it('is started by a role that writes its logs and no more', () => {
    expect(allowed(resources, /^FargateExecutionRole/)).toEqual(
      ['Convert', 'Quantize', 'Validate']
        .flatMap((stage) => ['CreateLogStream', 'PutLogEvents'].map((does) => `logs:${does} <${stage}FargateLogs.Arn>`))
        .toSorted(),
    );
  });

  it('takes roles that only tasks of this account may take', () => {
    const roles = ofType(resources, 'AWS::IAM::Role').filter(([id]) => /Fargate.*Role/.test(id));
    expect(roles).toHaveLength(4);
    for (const [, { Properties }] of roles)
      expect(Properties['AssumeRolePolicyDocument'].Statement).toEqual([
        {
          Action: 'sts:AssumeRole',
          Effect: 'Allow',
          Principal: { Service: 'ecs-tasks.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        },
      ]);
  });
});

describe('the network', () => {
  it('of its own has public subnets, no NAT gateway, a way to S3, and lets nothing in', () => {
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
    const [[, group]] = ofType(resources, 'AWS::EC2::SecurityGroup') as [[string, Untyped]];
    expect(group.Properties.SecurityGroupIngress).toBeUndefined();
    expect(group.Properties.SecurityGroupEgress).toMatchObject([
      { CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 },
    ]);
    // No function of CDK's.
    expect(ofType(resources, 'AWS::Lambda::Function').length).toBe(Object.keys(STAGES).length);
  });

  it('that is named on the command line is taken with its private subnets', () => {
    const chosen = synthesize({ fargateMemoryMb: '30720', fargateVpc: 'vpc-0a1b2c3d:subnet-00000001,subnet-00000002' });
    chosen.template.resourceCountIs('AWS::EC2::VPC', 0);
    const properties = machineOf(chosen.resources);
    expect(properties.DefinitionSubstitutions).toMatchObject({
      FargateSubnet0: 'subnet-00000001',
      FargateSubnet1: 'subnet-00000002',
    });
    expect(properties.DefinitionString).toContain('"AssignPublicIp":"DISABLED"');
    expect(definitionsOf(chosen.resources)).toHaveLength(5);
  });

  it('of the app around it is taken, in two constructs of one stack', () => {
    const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Theirs');
    const vpc = new Vpc(stack, 'Net', { natGateways: 1, restrictDefaultSecurityGroup: false });
    new TorchFerry(stack, 'Vision', { fargateMemoryMb: 16_384, fargateVpc: vpc });
    new TorchFerry(stack, 'Text', { fargateMemoryMb: 16_384, fargateVpc: vpc });
    const found = Template.fromStack(stack).toJSON()['Resources'] as Synthesized['resources'];
    expect(ofType(found, 'AWS::EC2::VPC')).toHaveLength(1);
    const families = definitionsOf(found).map(([, { Family }]) => Family as string);
    expect(new Set(families).size).toBe(6);
    expect(families).toContain('Theirs-Vision-ConvertFargate16');
    const [first] = vpc.selectSubnets({ subnetType: SubnetType.PRIVATE_WITH_EGRESS }).subnetIds;
    const machines = ofType(found, 'AWS::StepFunctions::StateMachine').filter(([id]) => id.includes('Conversion'));
    for (const [, { Properties }] of machines)
      expect(Properties['DefinitionSubstitutions'].FargateSubnet0).toEqual(stack.resolve(first));
  });
});

/** What is deployed: who may do what, what starts a conversion, what is kept and for how long. */
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { batchStateMachine } from '../../shared/pipeline/machine/batch-machine.ts';
import { ferryStateMachine } from '../../shared/pipeline/machine/state-machine.ts';
import type { Stage } from '../../shared/pipeline/machine/stage.ts';
import { STAGE_NAMES, STAGES } from '../../shared/pipeline/machine/stages.ts';
import { allowed, asList, ofType, short, type Statement, synthesize, type Untyped } from './synthesize.ts';

const { template, resources } = synthesize();

describe('buckets', () => {
  const buckets = ofType(resources, 'AWS::S3::Bucket');

  it('are four', () =>
    expect(buckets.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'AccessLogBucket',
      'InputBucket',
      'OutputBucket',
      'WorkBucket',
    ]));

  it.each(buckets)(
    '%s is private, encrypted, kept, and gives up on uploads after a day',
    (_, { DeletionPolicy, Properties }) => {
      expect(Properties['PublicAccessBlockConfiguration']).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(Properties['BucketEncryption'].ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault).toEqual(
        { SSEAlgorithm: 'AES256' },
      );
      expect(Properties['OwnershipControls'].Rules).toEqual([{ ObjectOwnership: 'BucketOwnerEnforced' }]);
      expect(Properties['LifecycleConfiguration'].Rules[0]).toMatchObject({
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        Status: 'Enabled',
      });
      expect(DeletionPolicy).toBe('Retain');
    },
  );

  it.each(buckets)('%s refuses what is not TLS 1.2', (id) => {
    const policy = ofType(resources, 'AWS::S3::BucketPolicy').find(
      ([, { Properties }]) => Properties['Bucket'].Ref === id,
    );
    const denied = (policy![1].Properties['PolicyDocument'].Statement as Statement[]).filter(
      ({ Effect }) => Effect === 'Deny',
    );
    expect(denied.map(({ Condition }) => Condition)).toEqual([
      { Bool: { 'aws:SecureTransport': 'false' } },
      { NumericLessThan: { 's3:TlsVersion': 1.2 } },
    ]);
    for (const { Action, Resource } of denied) {
      expect(Action).toBe('s3:*');
      expect(asList(Resource)).toEqual([
        { 'Fn::GetAtt': [id, 'Arn'] },
        { 'Fn::Join': ['', [{ 'Fn::GetAtt': [id, 'Arn'] }, '/*']] },
      ]);
    }
  });

  it.each(buckets.filter(([id]) => !id.startsWith('AccessLog')))('%s says who read it', (_, { Properties }) => {
    expect(Properties['LoggingConfiguration'].DestinationBucketName.Ref).toMatch(/^AccessLogBucket/);
  });

  it('announces uploads, with versions, through EventBridge and no function of CDK', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    expect(Object.values(resources).filter(({ Type }) => Type.startsWith('Custom::'))).toEqual([]);
    expect(ofType(resources, 'AWS::Lambda::Function')).toHaveLength(STAGE_NAMES.length);
  });

  it('forgets work, keeps results', () => {
    const [, work] = buckets.find(([id]) => id.startsWith('WorkBucket'))!;
    const expired = (
      work.Properties['LifecycleConfiguration'].Rules as { Prefix?: string; ExpirationInDays?: number }[]
    ).flatMap(({ Prefix, ExpirationInDays }) => (ExpirationInDays ? [[Prefix, ExpirationInDays]] : []));
    expect(expired).toEqual([
      ['claims/', 30],
      ['jobs/', 30],
      ['batches/', 30],
      ['parts/', 1],
    ]);
    const [, output] = buckets.find(([id]) => id.startsWith('OutputBucket'))!;
    expect(output.Properties['LifecycleConfiguration'].Rules).toHaveLength(1);
  });
});

it('leaves its buckets when it is deleted, and nothing else', () => {
  const kept = Object.entries(resources).filter(([, { DeletionPolicy }]) => DeletionPolicy?.startsWith('Retain'));
  expect(kept.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
    'AccessLogBucket',
    'InputBucket',
    'OutputBucket',
    'WorkBucket',
  ]);
});

describe('the trigger', () => {
  const [[, rule]] = ofType(resources, 'AWS::Events::Rule') as [[string, Untyped]];

  it('is any upload of a model, job file or data to the input bucket, its name in any case', () => {
    expect(rule.Properties.EventPattern).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: {
        bucket: { name: [{ Ref: expect.stringMatching(/^InputBucket/) }] },
        object: {
          key: ['.pt2', '.pt', '.pth', '.onnx', '.json', '.npz'].map((extension) => ({
            suffix: { 'equals-ignore-case': extension },
          })),
        },
      },
    });
  });

  it('hands over the whole event, for a day, then to the queue', () => {
    const [target] = rule.Properties.Targets;
    expect(short(target.Arn)).toBe('<ConversionStateMachine>');
    expect(target).not.toHaveProperty('Input');
    expect(target).not.toHaveProperty('InputTransformer');
    expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 });
    expect(short(target.DeadLetterConfig.Arn)).toBe('<UndeliveredEvents.Arn>');
  });

  it('lets only the rule write to the queue, and only over TLS', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 86_400,
    });
    const statements = ofType(resources, 'AWS::SQS::QueuePolicy')[0]![1].Properties['PolicyDocument']
      .Statement as (Statement & { Principal: unknown })[];
    expect(
      statements.map(({ Effect, Action, Principal, Condition }) => ({ Effect, Action, Principal, Condition })),
    ).toEqual([
      {
        Effect: 'Deny',
        Action: 'sqs:*',
        Principal: { AWS: '*' },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Principal: { Service: 'events.amazonaws.com' },
        Condition: { ArnEquals: { 'aws:SourceArn': expect.anything() } },
      },
    ]);
  });

  it('may start the conversion and nothing else', () => {
    expect(allowed(resources, /EventsRole/)).toEqual(['states:StartExecution <ConversionStateMachine>']);
  });
});

describe('permissions', () => {
  const ACTIONS = {
    read: ['s3:GetObject'],
    write: ['s3:PutObject', 's3:AbortMultipartUpload'],
    tag: ['s3:PutObjectTagging'],
    list: ['s3:ListBucket'],
    scratch: ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
  };
  const BUCKETS = { input: 'InputBucket', output: 'OutputBucket', work: 'WorkBucket' };

  it.each(STAGE_NAMES)('%s may do what its stage says, and log and trace', (name) => {
    const { functionName, grants }: Stage = STAGES[name];
    // Only uploads are read by version.
    const versions = (bucket: string, access: string): string[] =>
      access === 'read' && bucket === 'input' ? ['s3:GetObjectVersion'] : [];
    const expected = grants.flatMap(({ access, bucket, prefix }) =>
      [...ACTIONS[access], ...versions(bucket, access)].map(
        (action) => `${action} <${BUCKETS[bucket]}.Arn>${access === 'list' ? '' : `/${prefix}*`}`,
      ),
    );
    expect(allowed(resources, new RegExp(`^${functionName}Role`))).toEqual(
      [
        ...expected,
        `logs:CreateLogStream <${functionName}Logs.Arn>`,
        `logs:PutLogEvents <${functionName}Logs.Arn>`,
        'xray:PutTelemetryRecords *',
        'xray:PutTraceSegments *',
      ].toSorted(),
    );
  });

  it('are written out: no action with a star, no resource that is only a star except where AWS knows none', () => {
    const statements = ofType(resources, 'AWS::IAM::Policy').flatMap(
      ([, { Properties }]) => Properties['PolicyDocument'].Statement as Statement[],
    );
    expect(statements.length).toBeGreaterThan(20);
    const actions = statements.flatMap(({ Action }) => asList(Action));
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
    const everywhere = statements
      .filter(({ Resource }) => asList(Resource).includes('*'))
      .flatMap(({ Action }) => asList(Action));
    expect(
      everywhere.filter(
        (action) =>
          !/^(xray:|logs:\w*(LogDelivery|LogDeliveries|ResourcePolicy|ResourcePolicies|LogGroups)$)/.test(action),
      ),
    ).toEqual([]);
  });

  it('come from no managed policy', () => {
    for (const [, { Properties }] of ofType(resources, 'AWS::IAM::Role'))
      expect(Properties['ManagedPolicyArns'] ?? []).toEqual([]);
  });

  it('let nobody write to the input bucket, so that no result can start a conversion', () => {
    const writers = allowed(resources, /./).filter(
      (line) => line.includes('<InputBucket') && !/^s3:(GetObject|GetObjectVersion|ListBucket) /.test(line),
    );
    expect(writers).toEqual([]);
  });

  it('let the conversion invoke its stages, announce its end and start the jobs that waited for a file', () => {
    const own = allowed(resources, /^Conversion(Role|StateMachineStartPolicy)/).filter(
      (line) => !/^(xray|logs):/.test(line),
    );
    const stages = STAGE_NAMES.filter((name) => STAGES[name].place !== 'batch');
    expect(own).toEqual(
      [
        'events:PutEvents arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default',
        ...stages.map((name) => `lambda:InvokeFunction <${STAGES[name].functionName}.Arn>`),
        'states:StartExecution <ConversionStateMachine>',
      ].toSorted(),
    );
  });

  it('let the batch read its list, start conversions and its own items, and keep their results', () => {
    const states = 'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution';
    const own = allowed(resources, /^BatchRole/).filter((line) => !/^(xray|logs):/.test(line));
    expect(own).toEqual(
      [
        'events:PutEvents arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default',
        ...['PutTargets', 'PutRule', 'DescribeRule'].map(
          (action) =>
            `events:${action} arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule`,
        ),
        'lambda:InvokeFunction <BatchPlanFunction.Arn>',
        'lambda:InvokeFunction <BatchReportFunction.Arn>',
        's3:ListBucket <InputBucket.Arn>',
        ...['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'].map(
          (action) => `${action} <WorkBucket.Arn>/batches/*`,
        ),
        'states:StartExecution <BatchStateMachine>',
        'states:StartExecution <ConversionStateMachine>',
        ...['<BatchStateMachine.Name>:*', '<ConversionStateMachine.Name>:*'].flatMap((name) => [
          `states:DescribeExecution ${states}:${name}`,
          `states:StopExecution ${states}:${name}`,
        ]),
        `states:RedriveExecution ${states}:<BatchStateMachine.Name>/Manifest:*`,
        `states:RedriveExecution ${states}:<BatchStateMachine.Name>/Prefix:*`,
      ].toSorted(),
    );
  });
});

describe('functions', () => {
  it.each(STAGE_NAMES)('%s has the size its stage says, Node 24 on arm64, a trace, and logs that end', (name) => {
    const { functionName, memoryMb, timeoutSeconds, temporaryMb }: Stage = STAGES[name];
    const [[, { Properties }]] = ofType(resources, 'AWS::Lambda::Function').filter(
      ([id]) => id.replace(/[0-9A-F]{8}$/, '') === functionName,
    ) as [[string, Untyped]];
    expect(Properties).toMatchObject({
      MemorySize: memoryMb,
      Timeout: timeoutSeconds,
      EphemeralStorage: { Size: temporaryMb },
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      TracingConfig: { Mode: 'Active' },
      Environment: {
        Variables: {
          ORT_DISABLE_TELEMETRY: '1',
          POWERTOOLS_SERVICE_NAME: 'torchferry',
          POWERTOOLS_METRICS_NAMESPACE: 'Torchferry',
        },
      },
      LoggingConfig: {
        LogFormat: 'JSON',
        LogGroup: { Ref: expect.stringMatching(new RegExp(`^${functionName}Logs`)) },
      },
    });
    expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  it('and machines log for thirty days', () => {
    const groups = ofType(resources, 'AWS::Logs::LogGroup');
    expect(groups).toHaveLength(STAGE_NAMES.length + 2);
    for (const [, { Properties }] of groups) expect(Properties['RetentionInDays']).toBe(30);
  });
});

describe('machines', () => {
  const MACHINES = {
    ConversionStateMachine: ferryStateMachine({ batchPrefix: 'batch/' }),
    BatchStateMachine: batchStateMachine(),
  };

  it.each(Object.entries(MACHINES))('%s is the value that runs everywhere else', (name, definition) => {
    const [[, { Properties }]] = ofType(resources, 'AWS::StepFunctions::StateMachine').filter(([id]) =>
      id.startsWith(name),
    ) as [[string, Untyped]];
    expect(JSON.parse(Properties.DefinitionString)).toEqual(JSON.parse(JSON.stringify(definition)));
    // Every placeholder has a value, so that none reaches Step Functions as it is.
    const placeholders = new Set([...JSON.stringify(definition).matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]!));
    expect(Object.keys(Properties.DefinitionSubstitutions)).toEqual(expect.arrayContaining([...placeholders]));
    for (const stage of STAGE_NAMES) {
      const { functionName } = STAGES[stage];
      expect(short(Properties.DefinitionSubstitutions[functionName])).toBe(`<${functionName}.Arn>`);
    }
    expect(short(Properties.DefinitionSubstitutions.OutputBucket)).toBe('<OutputBucket>');
    expect(short(Properties.DefinitionSubstitutions.WorkBucket)).toBe('<WorkBucket>');
    expect(short(Properties.DefinitionSubstitutions.EventBus)).toBe('default');
  });

  it('run as STANDARD, traced, with all of it logged', () => {
    template.allResourcesProperties('AWS::StepFunctions::StateMachine', {
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    for (const [, { Properties }] of ofType(resources, 'AWS::Logs::LogGroup').filter(([id]) =>
      /^(Conversion|Batch)Logs/.test(id),
    )) {
      expect(Properties['LogGroupName']).toMatch(/^\/aws\/vendedlogs\/states\/Torchferry-/);
    }
  });
});

describe('what is watched', () => {
  it.each([
    ['ExecutionsFailed', 'AWS/States'],
    ['FaultedJobs', 'Torchferry'],
    ['RefusedUploads', 'Torchferry'],
    ['ExecutionsTimedOut', 'AWS/States'],
    ['ExecutionThrottled', 'AWS/States'],
    ['ApproximateNumberOfMessagesVisible', 'AWS/SQS'],
  ])('%s', (MetricName, Namespace) => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName,
      Namespace,
      Threshold: 1,
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.anyValue(),
    });
  });

  it('throttles of every function together', () => {
    const [[, alarm]] = ofType(resources, 'AWS::CloudWatch::Alarm').filter(([id]) =>
      id.startsWith('FunctionsThrottled'),
    ) as [[string, Untyped]];
    const metrics = alarm.Properties.Metrics.filter(
      (metric: Untyped) => metric.MetricStat?.Metric.MetricName === 'Throttles',
    );
    expect(metrics).toHaveLength(STAGE_NAMES.length);
    // A sum with a metric that has no value has none.
    const [{ Expression }] = alarm.Properties.Metrics.filter((metric: Untyped) => metric.Expression) as [Untyped];
    expect(Expression).toBe(metrics.map(({ Id }: Untyped) => `FILL(${Id}, 0)`).join(' + '));
  });

  it('executions that failed without Release, as the difference', () => {
    const [[, alarm]] = ofType(resources, 'AWS::CloudWatch::Alarm').filter(([id]) =>
      id.startsWith('ExecutionLost'),
    ) as [[string, Untyped]];
    expect(alarm.Properties.Metrics.find((metric: Untyped) => metric.Expression).Expression).toBe(
      'FILL(failed, 0) - FILL(faulted, 0) - FILL(refused, 0)',
    );
  });

  it('on one dashboard', () => {
    const [[, { Properties }]] = ofType(resources, 'AWS::CloudWatch::Dashboard') as [[string, Untyped]];
    const body = JSON.stringify(Properties.DashboardBody);
    for (const text of [
      'Conversions',
      'Last failures',
      'ModelBytes',
      'UndeliveredEvents',
      'IngestionToInvocationSuccessLatency',
      ...STAGE_NAMES,
    ])
      expect(body).toContain(text);
  });
});

/** One page to look at: what runs, what failed and why, how long each stage takes, what is held back. */
import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  Metric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Watched } from './alarms.ts';
import { startLatency } from './delays.ts';
import { notSent } from './results.ts';

const FULL = 24;
const HALF = 12;
const PERIOD = Duration.minutes(5);
const SUM = { statistic: 'Sum', period: PERIOD };

export function dashboard(
  scope: Construct,
  { conversion, batch, functions, trigger, results }: Watched,
  alarms: readonly Alarm[],
): Dashboard {
  const perStage = (metric: (each: LambdaFunction, label: string) => IMetric): readonly IMetric[] =>
    Object.entries(functions).map(([stage, each]) => metric(each, stage));
  const board = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.days(1) });
  board.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: FULL }));
  board.addWidgets(executions('Conversions', conversion), executions('Batches', batch));
  board.addWidgets(
    graph(
      'Time in a stage, 95th percentile',
      'ms',
      perStage((each, label) => each.metricDuration({ statistic: 'p95', period: PERIOD, label })),
    ),
    graph(
      'Failed stages',
      'invocations',
      perStage((each, label) => each.metricErrors({ ...SUM, label })),
    ),
  );
  board.addWidgets(
    graph(
      'Running at once',
      'functions',
      perStage((each, label) => each.metric('ConcurrentExecutions', { statistic: 'Maximum', period: PERIOD, label })),
    ),
    graph(
      'Throttled',
      'invocations',
      perStage((each, label) => each.metricThrottles({ ...SUM, label })),
    ),
  );
  board.addWidgets(
    graph(
      'Models',
      'bytes',
      ['p50', 'Maximum'].map((statistic) => modelBytes(statistic)),
    ),
    graph('Uploads not delivered', 'events', [
      trigger.undelivered.metricApproximateNumberOfMessagesVisible({
        statistic: 'Maximum',
        period: PERIOD,
        label: 'waiting',
      }),
    ]),
  );
  board.addWidgets(
    graph('From the upload to the start of its conversion', 'ms', [startLatency(trigger).with({ label: 'longest' })]),
    ...(results ? [graph('Results not sent', 'events', [notSent(results).with({ label: 'waiting' })])] : []),
  );
  board.addWidgets(
    new LogQueryWidget({
      title: 'Last failures',
      logGroupNames: Object.values(functions).map((each) => each.logGroup.logGroupName),
      view: LogQueryVisualizationType.TABLE,
      queryLines: [
        'fields @timestamp, stage, correlation_id as job, error.name as code, error.message as message',
        'filter level = "ERROR" and ispresent(stage)',
        'sort @timestamp desc',
        'limit 50',
      ],
      width: FULL,
      height: 8,
    }),
  );
  return board;
}

const graph = (title: string, label: string, left: readonly IMetric[]): GraphWidget =>
  new GraphWidget({ title, left: [...left], width: HALF, leftYAxis: { label, min: 0, showUnits: false } });

const executions = (title: string, machine: StateMachine): GraphWidget =>
  graph(title, 'executions', [
    machine.metricStarted({ ...SUM, label: 'started' }),
    machine.metricSucceeded({ ...SUM, label: 'succeeded' }),
    machine.metricFailed({ ...SUM, label: 'failed' }),
    machine.metricTimedOut({ ...SUM, label: 'timed out' }),
  ]);

/** What functions/stage-handler.ts measures. */
const modelBytes = (statistic: string): Metric =>
  new Metric({
    namespace: 'Torchferry',
    metricName: 'ModelBytes',
    dimensionsMap: { service: 'torchferry' },
    statistic,
    period: PERIOD,
    label: statistic,
  });

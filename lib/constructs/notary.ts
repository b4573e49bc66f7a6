/** The notary: the only function that may sign, and one that may never write the log. */
import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as actions from "aws-cdk-lib/aws-cloudwatch-actions";
import type * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import type * as kms from "aws-cdk-lib/aws-kms";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { notaryEnv } from "../aws/env.js";
import { logIndex } from "../run/keys.js";
import { createAlarmTopic } from "./alarm-topic.js";
import { controlPlaneStackName } from "./names.js";
import type { ArchiveSettings } from "./settings.js";
import { ArchiveBucket, type ArchiveIdentity } from "./stores.js";
import { grantStream } from "./stream.js";
import { RunLogTable } from "./tables.js";
import { ZoneFunction } from "./zone-function.js";

/** A sweep must be over before the one after the next begins. */
const SWEEP_EVERY = Duration.minutes(5);

export interface NotaryProps {
  readonly stage: string;
  /** folder with `index.mjs` */
  readonly code: string;
  readonly runLog: dynamodb.TableV2;
  readonly archive: ArchiveIdentity;
  readonly settings: ArchiveSettings;
  readonly dataKey: kms.Key;
}

export class Notary extends Construct {
  readonly alarms: sns.Topic;

  constructor(scope: Construct, id: string, props: NotaryProps) {
    super(scope, id);
    const { stage, settings, runLog } = props;
    const notary = new ZoneFunction(this, "Notary", {
      stage,
      zone: "notary",
      functionName: `${controlPlaneStackName(stage)}-notary`,
      description: "covers the log with signed checkpoints and archives it",
      code: props.code,
      logKeyArn: props.dataKey.keyArn,
      environment: notaryEnv,
      settings: {
        STAGE: stage,
        ARCHIVE_MODE: settings.mode,
        RETENTION_DAYS: JSON.stringify(settings.retentionDays),
      },
      timeout: SWEEP_EVERY,
      memorySizeMb: 1024,
    });
    new RunLogTable(runLog).grantReadAll(notary, logIndex.name);
    new ArchiveBucket(props.archive).grantNotary(notary);
    this.wakeWhenRunsEnd(notary, runLog);
    new events.Rule(this, "Sweep", {
      description: "the notary covers what grew, whatever the stream brought",
      schedule: events.Schedule.rate(SWEEP_EVERY),
      targets: [
        new targets.LambdaFunction(notary.function, { event: events.RuleTargetInput.fromObject({ sweep: true }) }),
      ],
    });
    this.alarms = createAlarms(this, notary.function, props.dataKey);
  }

  private wakeWhenRunsEnd(notary: ZoneFunction, runLog: dynamodb.TableV2): void {
    const streamArn = grantStream(notary, runLog);
    const mapping = new lambda.EventSourceMapping(this, "RunsEnd", {
      target: notary.function,
      eventSourceArn: streamArn,
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      bisectBatchOnError: true,
      // What is dropped then is covered by the next sweep, and the alarm tells.
      retryAttempts: 3,
      reportBatchItemFailures: true,
      filters: [
        lambda.FilterCriteria.filter({
          eventName: lambda.FilterRule.isEqual("INSERT"),
          dynamodb: { NewImage: { type: { S: lambda.FilterRule.or("RunClosed", "RunRefused") } } },
        }),
      ],
    });
    mapping.node.addDependency(notary.role);
  }
}

function createAlarms(scope: Construct, notary: lambda.Function, dataKey: kms.Key): sns.Topic {
  const topic = createAlarmTopic(scope, "Countersign notary", dataKey);
  const alarm = (name: string, metric: cloudwatch.IMetric, more: Omit<cloudwatch.AlarmProps, "metric">) =>
    new cloudwatch.Alarm(scope, name, { metric, ...more }).addAlarmAction(new actions.SnsAction(topic));
  const period = Duration.minutes(15);
  alarm("NotaryErrors", notary.metricErrors({ period }), {
    alarmDescription:
      'the notary fails: records are not covered by checkpoints, or the log contradicts one; runbook, "The notary fails"',
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  alarm("NotarySilent", notary.metricInvocations({ period }), {
    alarmDescription: 'the notary does not run: records are not covered by checkpoints; runbook, "The notary fails"',
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.BREACHING,
  });
  return topic;
}

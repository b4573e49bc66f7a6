/** What starts close-run, and what wakes the workflow's owner. */
import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import * as actions from "aws-cdk-lib/aws-cloudwatch-actions";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import * as kms from "aws-cdk-lib/aws-kms";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as sns from "aws-cdk-lib/aws-sns";
import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { createAlarmTopic } from "./alarm-topic.js";

export interface WatchProps {
  readonly stateMachine: sfn.StateMachine;
  readonly decide: lambda.Function;
  readonly closeRun: lambda.Function;
  /** who is told */
  readonly ownerEmail: string;
  readonly dataKeyArn: string;
  /** what the alarms are about, in their text */
  readonly workflow: string;
}

export class Watch extends Construct {
  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id);
    this.startCloseRun(props);
    this.wakeOwner(props);
  }

  /** Status events are best effort: the sweep finds what they miss. */
  private startCloseRun({ stateMachine, closeRun, workflow }: WatchProps): void {
    new events.Rule(this, "RunEnded", {
      description: `${workflow}: an execution ended without closing its run`,
      eventPattern: {
        source: ["aws.states"],
        detailType: ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [stateMachine.stateMachineArn], status: ["FAILED", "TIMED_OUT", "ABORTED"] },
      },
      targets: [new targets.LambdaFunction(closeRun)],
    });
    new events.Rule(this, "Sweep", {
      description: `${workflow}: settles open runs`,
      schedule: events.Schedule.rate(Duration.minutes(5)),
      targets: [new targets.LambdaFunction(closeRun, { event: events.RuleTargetInput.fromObject({ sweep: true }) })],
    });
  }

  private wakeOwner({ stateMachine, decide, closeRun, ownerEmail, dataKeyArn, workflow }: WatchProps): void {
    const dataKey = kms.Key.fromKeyArn(this, "DataKey", dataKeyArn);
    const topic = createAlarmTopic(this, `Countersign ${workflow}`, dataKey);
    new sns.Subscription(this, "Owner", { topic, protocol: sns.SubscriptionProtocol.EMAIL, endpoint: ownerEmail });
    const alarm = (name: string, metric: cloudwatch.IMetric, alarmDescription: string) =>
      new cloudwatch.Alarm(this, name, {
        metric,
        alarmDescription,
        threshold: 1,
        evaluationPeriods: 1,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      }).addAlarmAction(new actions.SnsAction(topic));
    const period = { period: Duration.minutes(5) };
    alarm(
      "CloseRunErrors",
      closeRun.metricErrors(period),
      `${workflow}: close-run fails; runs stay open and hold their budget; see npx countersign run list and run report <id>`,
    );
    alarm(
      "DecideErrors",
      decide.metricErrors(period),
      `${workflow}: the gate fails; nothing runs until it answers again`,
    );
    alarm(
      "RunsFailed",
      stateMachine.metricFailed(period),
      `${workflow}: executions fail; see npx countersign run list, run show <id> --history and run report <id>`,
    );
  }
}

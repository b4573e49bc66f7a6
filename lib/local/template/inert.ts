import type { CreatedResource, ResourceRequest } from "../types.js";

export interface Environment {
  readonly accountId: string;
  readonly region: string;
}
interface InertType {
  /** why nothing of it can change what a run does here */
  readonly reason: string;
  create(request: ResourceRequest, environment: Environment): CreatedResource;
}

/** The value of a property that names the resource, else the generated name. */
const named = (request: ResourceRequest, property: string): string => {
  const value = request.properties[property];
  return typeof value === "string" ? value : request.defaultName;
};

/** Types that are accepted and do nothing: they answer `Ref` and `Fn::GetAtt` and have no other effect. */
export const INERT_TYPES: Readonly<Record<string, InertType>> = {
  "AWS::Athena::NamedQuery": {
    reason: "a text that people run in Athena, which is not here",
    create: (request) => ({ ref: request.defaultName, attributes: { NamedQueryId: request.defaultName } }),
  },
  "AWS::Athena::WorkGroup": {
    reason: "where people run queries in Athena, which is not here: no function does",
    create: (request) => ({ ref: named(request, "Name"), attributes: {} }),
  },
  "AWS::CDK::Metadata": {
    reason: "usage statistics of the CDK",
    create: (request) => ({ ref: request.defaultName, attributes: {} }),
  },
  "AWS::CloudWatch::Alarm": {
    reason: "alarms watch metrics; the embedded cloud emits none",
    create: (request, { accountId, region }) => {
      const name = named(request, "AlarmName");
      return { ref: name, attributes: { Arn: `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}` } };
    },
  },
  "AWS::CloudWatch::Dashboard": {
    reason: "a picture of metrics; the embedded cloud emits none",
    create: (request) => ({ ref: named(request, "DashboardName"), attributes: {} }),
  },
  "AWS::Glue::Database": {
    reason: "names the table that Athena reads; neither is here",
    create: (request) => ({ ref: request.defaultName, attributes: {} }),
  },
  "AWS::Glue::Table": {
    reason: "tells Athena what is in the archive's files, which are here as they are there",
    create: (request) => ({ ref: request.defaultName, attributes: {} }),
  },
  "AWS::Logs::LogGroup": {
    reason: "what functions print goes to files of the data folder",
    create: (request, { accountId, region }) => {
      const name = named(request, "LogGroupName");
      return { ref: name, attributes: { Arn: `arn:aws:logs:${region}:${accountId}:log-group:${name}:*` } };
    },
  },
  "AWS::Logs::ResourcePolicy": {
    reason: "lets AWS services deliver into log groups, which are files here",
    create: (request) => ({ ref: named(request, "PolicyName"), attributes: {} }),
  },
  "AWS::Logs::MetricFilter": {
    reason: "turns log lines into metrics; the embedded cloud emits none",
    create: (request) => ({ ref: named(request, "FilterName"), attributes: {} }),
  },
  "AWS::SNS::Topic": {
    reason: "only alarms publish to it, and alarms are inert; functions have no SNS endpoint here",
    create: (request, { accountId, region }) => {
      const name = named(request, "TopicName");
      const arn = `arn:aws:sns:${region}:${accountId}:${name}`;
      return { ref: arn, attributes: { TopicArn: arn, TopicName: name } };
    },
  },
  "AWS::SNS::TopicPolicy": {
    reason: "guards a topic nobody publishes to here",
    create: (request) => ({ ref: request.defaultName, attributes: { Id: request.defaultName } }),
  },
  "AWS::SNS::Subscription": {
    reason: "delivers from a topic nobody publishes to here",
    create: (request) => ({ ref: request.defaultName, attributes: { Arn: request.defaultName } }),
  },
};

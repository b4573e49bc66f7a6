/** CloudFormation's reads over the deployed stacks, and STS's answer to "who am I": both speak the query protocol. */
import type { DeployedStack } from "./template/deploy.js";
import { type AwsCall, AwsFault, type AwsReply, type CloudContext, type Engine } from "./types.js";
import { queryReply } from "./wire/render.js";
import { toXml } from "./wire/xml.js";

type Operation = (parameters: URLSearchParams, call: AwsCall) => string;

/** Runs the operation that a query-protocol request names. */
function runQuery(call: AwsCall, operations: Readonly<Record<string, Operation>>): AwsReply {
  const parameters = new URLSearchParams(call.method === "POST" ? call.body.toString("utf8") : call.query);
  const name = parameters.get("Action") ?? "";
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (!operation) {
    const allowed = Object.keys(operations).join(", ");
    throw new AwsFault(
      "InvalidAction",
      `${call.service}: operation ${JSON.stringify(name)} is not modelled; there is ${allowed}`,
      400,
    );
  }
  return queryReply(call.service, name, operation(parameters, call));
}

export class CloudFormationEngine implements Engine {
  readonly service = "cloudformation";
  readonly resources = {};
  private stacks: readonly DeployedStack[] = [];
  private createdAt = "";

  constructor(private readonly context: CloudContext) {}

  /** The stacks to tell about, once they are complete. */
  show(stacks: readonly DeployedStack[]): void {
    this.stacks = stacks;
    this.createdAt = new Date(this.context.clock.now()).toISOString();
  }

  async handle(call: AwsCall): Promise<AwsReply> {
    return runQuery(call, {
      DescribeStacks: (parameters) => {
        const name = parameters.get("StackName");
        this.authorize(call, "DescribeStacks", name);
        const stacks = name === null ? this.stacks : [this.stack(name)];
        return toXml("Stacks", { member: stacks.map((stack) => this.describe(stack)) });
      },
      ListStacks: () => {
        this.authorize(call, "ListStacks", null);
        return toXml("StackSummaries", { member: this.stacks.map((stack) => this.summary(stack)) });
      },
      DescribeStackResources: (parameters) => {
        const name = parameters.get("StackName");
        const logicalId = parameters.get("LogicalResourceId");
        if (name === null)
          throw new AwsFault(
            "ValidationError",
            "StackName is required; looking up by PhysicalResourceId is not modelled",
          );
        this.authorize(call, "DescribeStackResources", name);
        const stack = this.stack(name);
        const resources = stack.resources.filter((resource) => logicalId === null || resource.logicalId === logicalId);
        const member = resources.map((resource) => ({
          StackName: stack.name,
          StackId: stack.id,
          LogicalResourceId: resource.logicalId,
          PhysicalResourceId: resource.physicalId,
          ResourceType: resource.type,
          Timestamp: this.createdAt,
          ResourceStatus: "CREATE_COMPLETE",
        }));
        return toXml("StackResources", { member });
      },
    });
  }

  async reset(): Promise<void> {}
  async close(): Promise<void> {}

  private authorize(call: AwsCall, operation: string, stack: string | null): void {
    const { region, accountId, iam } = this.context;
    const found = stack === null ? undefined : this.find(stack);
    const resource =
      stack === null ? "*" : (found?.id ?? `arn:aws:cloudformation:${region}:${accountId}:stack/${stack}/*`);
    iam.authorize({ caller: call.caller, action: `cloudformation:${operation}`, resource });
  }

  private find(nameOrId: string): DeployedStack | undefined {
    return this.stacks.find((stack) => stack.name === nameOrId || stack.id === nameOrId);
  }

  private stack(nameOrId: string): DeployedStack {
    const found = this.find(nameOrId);
    if (!found) throw new AwsFault("ValidationError", `Stack with id ${nameOrId} does not exist`);
    return found;
  }

  private summary(stack: DeployedStack) {
    return { StackId: stack.id, StackName: stack.name, CreationTime: this.createdAt, StackStatus: "CREATE_COMPLETE" };
  }

  private describe(stack: DeployedStack) {
    const parameters = Object.entries(stack.parameters).map(([key, value]) => ({
      ParameterKey: key,
      ParameterValue: value,
    }));
    const outputs = stack.outputs.map((output) => ({
      OutputKey: output.key,
      OutputValue: output.value,
      Description: output.description,
      ExportName: output.exportName,
    }));
    return {
      ...this.summary(stack),
      Description: stack.description,
      DisableRollback: false,
      Parameters: { member: parameters },
      Outputs: { member: outputs },
    };
  }
}

export class StsEngine implements Engine {
  readonly service = "sts";
  readonly resources = {};

  async handle(call: AwsCall): Promise<AwsReply> {
    // Needs no permission, as on AWS.
    return runQuery(call, {
      GetCallerIdentity: (_parameters, { caller }) =>
        toXml("Arn", caller.sessionArn) +
        toXml("UserId", caller.sessionArn.slice(caller.sessionArn.lastIndexOf("/") + 1)) +
        toXml("Account", caller.accountId),
    });
  }
  async reset(): Promise<void> {}
  async close(): Promise<void> {}
}

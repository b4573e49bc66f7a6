/** The stack of one run of the tests on AWS, or one that is there already. */
import {
  type CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  paginateListStacks,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
} from "@aws-sdk/client-cloudformation";
import { CountersignError } from "../lib/errors.js";
import { INLINE, type StackOutputs, stackOutputs, stackTemplate } from "./test-aws-template.js";

/** seconds */
const WAIT = { maxWaitTime: 900, minDelay: 5, maxDelay: 15 };

/** Outputs of a stack made of scripts/test-aws-template.ts. @throws CountersignError CS-5091 */
export async function readStack(client: CloudFormationClient, name: string): Promise<StackOutputs> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey = "", OutputValue }) => [OutputKey, OutputValue]);
    const parsed = stackOutputs.safeParse(Object.fromEntries(outputs));
    if (parsed.success) return parsed.data;
    throw new Error(`it has no output ${parsed.error.issues.map(({ path }) => path.join(".")).join(", ")}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CountersignError(
      "CS-5091",
      `stack ${name}: its outputs cannot be read: ${why}; make it of scripts/test-aws-template.ts, or leave COUNTERSIGN_AWS_STACK out`,
    );
  }
}

/** @param stop ends the waiting; @throws CountersignError CS-5091; what was made until then is removed first */
export async function createStack(
  client: CloudFormationClient,
  run: string,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<{ readonly outputs: StackOutputs; remove(): Promise<void> }> {
  say(`+ stack ${run} (takes about two minutes)`);
  const StackName = await create(client, run);
  const remove = () => removeStack(client, StackName, run, say);
  try {
    await waitUntilStackCreateComplete({ client, ...WAIT, abortSignal: stop }, { StackName });
    return { outputs: await readStack(client, StackName), remove };
  } catch (error) {
    // Asked before the events are gone with the stack.
    const why = stop.aborted ? "interrupted" : await reasonOf(client, StackName, "CREATE_FAILED", error);
    await remove();
    if (error instanceof CountersignError) throw error;
    throw new CountersignError("CS-5091", `stack ${run}: not created: ${why}`, { run });
  }
}

/** The stack's id. */
async function create(client: CloudFormationClient, run: string): Promise<string> {
  try {
    const { StackId } = await client.send(
      new CreateStackCommand({
        StackName: run,
        TemplateBody: JSON.stringify(stackTemplate(INLINE)),
        Capabilities: ["CAPABILITY_IAM"],
        OnFailure: "DO_NOTHING",
        ClientRequestToken: run,
        Tags: [
          { Key: "countersign:test", Value: run },
          { Key: "countersign:remove", Value: "any time" },
        ],
      }),
    );
    return StackId ?? run;
  } catch (error) {
    throw new CountersignError("CS-5091", `stack ${run}: not created: ${String(error)}`, { run });
  }
}

async function removeStack(client: CloudFormationClient, StackName: string, run: string, say: (line: string) => void) {
  try {
    await client.send(new DeleteStackCommand({ StackName }));
    await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName });
    say(`- stack ${run}`);
  } catch (error) {
    const why = await reasonOf(client, StackName, "DELETE_FAILED", error);
    throw new CountersignError("CS-5091", `still there: stack ${run}: ${why}; delete it by hand`, { left: [run] });
  }
}

/** What the stack's events say of its resources; a waiter only knows the stack's state. */
async function reasonOf(client: CloudFormationClient, StackName: string, status: string, error: unknown) {
  try {
    const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
    const failed = StackEvents.filter(({ ResourceStatus }) => ResourceStatus === status).reverse();
    const reasons = failed.map(
      ({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`,
    );
    if (reasons.length > 0) return reasons.join("; ");
  } catch {
    // Then there is only what went wrong before.
  }
  return String(error);
}

/** Stacks that earlier runs left behind because they were killed. */
export async function stacksLeftBehind(client: CloudFormationClient, prefix: string): Promise<string[]> {
  const left: string[] = [];
  for await (const { StackSummaries = [] } of paginateListStacks({ client }, {}))
    for (const { StackName = "", StackStatus } of StackSummaries)
      if (StackName.startsWith(prefix) && StackStatus !== "DELETE_COMPLETE") left.push(`stack ${StackName}`);
  return left;
}

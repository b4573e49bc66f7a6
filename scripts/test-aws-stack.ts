/** The stack of one run of the tests on AWS, or one that is there already. */
import {
  type CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  paginateListStacks,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
} from "@aws-sdk/client-cloudformation";
import { CountersignError } from "../lib/errors.js";
import { INLINE, type StackOutputs, stackOutputs, stackTemplate } from "./test-aws-template.js";

const MAX_WAIT_SEC = 900;

/** Outputs of a stack made of scripts/test-aws-template.ts. @throws CountersignError CS-5091 */
export async function readStack(client: CloudFormationClient, name: string): Promise<StackOutputs> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey = "", OutputValue }) => [OutputKey, OutputValue]);
    return stackOutputs.parse(Object.fromEntries(outputs));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CountersignError(
      "CS-5091",
      `stack ${name}: its outputs cannot be read: ${why}; make it of the template in docs/testing-on-aws.md`,
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
    await waitUntilStackCreateComplete({ client, maxWaitTime: MAX_WAIT_SEC, abortSignal: stop }, { StackName });
    return { outputs: await readStack(client, StackName), remove };
  } catch (error) {
    await remove();
    if (error instanceof CountersignError) throw error;
    throw new CountersignError("CS-5091", `stack ${run}: not created: ${String(error)}; its events say why`, { run });
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
    await waitUntilStackDeleteComplete({ client, maxWaitTime: MAX_WAIT_SEC }, { StackName });
    say(`- stack ${run}`);
  } catch (error) {
    throw new CountersignError("CS-5091", `still there: stack ${run}: ${String(error)}; delete it by hand`, {
      left: [run],
    });
  }
}

/** Stacks that earlier runs left behind because they were killed. */
export async function stacksLeftBehind(client: CloudFormationClient, prefix: string): Promise<string[]> {
  const left: string[] = [];
  for await (const { StackSummaries = [] } of paginateListStacks({ client }, {}))
    for (const { StackName = "", StackStatus } of StackSummaries)
      if (StackName.startsWith(prefix) && StackStatus !== "DELETE_COMPLETE") left.push(`stack ${StackName}`);
  return left;
}

/** Slack's function behind a door, on the embedded tables, with a workspace that sends it signed requests. */
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import * as z from "zod";
import { createHandler, type HttpAnswer } from "../../lambdas/approval-slack/serve.js";
import { type Approvals, dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { AT_ONCE, slackApi } from "../../lib/aws/slack.js";
import { proxyEvent } from "../../lib/local/apigateway/payload.js";
import { SlackWorkspace } from "../../lib/local/slack/workspace.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { askedMessage } from "../../lib/slack/messages.js";
import { approvalViewOf } from "../approval/fixture.js";
import { newRun, startStage, type TestStage } from "../aws/cloud.js";

export const ASKED = Date.parse("2026-11-21T13:00:00.000Z");
export const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
export const [ANA, BO, EVE] = ["U0ANA", "U0BO", "U0EVE"];
export const URL = "https://desk.example.com/approvals/abcdefghijklmnop";

export let stage: TestStage;
export let approvals: Approvals;
export let workspace: SlackWorkspace;
export let door: Server;
export let address: string;
/** The time, and what the function logged. */
export const lab = { nowMs: ASKED, said: [] as string[] };
export let handler: (event: unknown) => Promise<HttpAnswer>;
/** As API Gateway hands a form over: in base64. */
export function eventOf(headers: Readonly<Record<string, string>>, body: Buffer): unknown {
  return proxyEvent({
    request: { method: "POST", target: "/slack/interactions", headers, body, sourceIp: "127.0.0.1" },
    apiId: "api",
    accountId: "111111111111",
    stage: "$default",
    routeKey: "POST /slack/interactions",
    pathParameters: {},
    isIamRoute: false,
    nowMs: lab.nowMs,
  });
}

export let view: ApprovalView;
export const ref = () => ({ workflow: view.workflow, approvalId: view.approval_id });
export async function ask(over: Partial<ApprovalView> = {}): Promise<string> {
  view = approvalViewOf({
    approval_id: `ap_${newRun().runId}`,
    sensitive_paths: [],
    nonces: {},
    slack_users: { "ana@example.com": ANA, "bo@example.com": BO },
    ...over,
  });
  await approvals.insertRequest(view);
  const { ts } = await slackApi(async () => "xoxb-local", workspace.url).post(ANA, askedMessage(view, URL));
  return ts;
}
export const REVERSIBLE = { reversibility: "reversible", typed_confirmation: null } as const;
export const decisions = () => approvals.readDecisions(ref());
export const refusals = async () =>
  (await approvals.readActs(ref())).flatMap((act) => (act.kind === "refused" ? [act] : []));
export const textOf = (modal: unknown) => JSON.stringify(modal);

/** Once in each file of tests: the function behind a door, the tables, a workspace. */
export function useSlack(): void {
  beforeAll(async () => {
    stage = await startStage();
    approvals = dynamoApprovals(stage.table("approvals"));
    vi.spyOn(console, "log").mockImplementation((line) => void lab.said.push(String(line)));
    door = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
      request.on("end", async () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        const answer = await handler(eventOf(headers, Buffer.concat(chunks)));
        response.writeHead(answer.statusCode, answer.headers).end(answer.body);
      });
    });
    await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
    const { port } = z.object({ port: z.number() }).parse(door.address());
    address = `http://127.0.0.1:${port}/slack/interactions`;
    workspace = await SlackWorkspace.start({
      botToken: "xoxb-local",
      signingSecret: SECRET,
      interactions: () => address,
      now: () => lab.nowMs,
    });
    handler = createHandler({
      stage: "dev",
      approvals,
      control: dynamoControl(stage.table("control")),
      signingSecret: async () => SECRET,
      slack: slackApi(async () => "xoxb-local", workspace.url, AT_ONCE),
      nowMs: () => lab.nowMs,
    });
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await new Promise((resolve) => door.close(resolve));
    await workspace.close();
    await stage.close();
  });
  beforeEach(() => {
    lab.nowMs = ASKED + 60_000;
    lab.said = [];
    workspace.reset();
  });
}

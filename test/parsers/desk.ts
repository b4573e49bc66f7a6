/** A desk with one open approval, for what a hostile form can do to it. */
import type { DeskDeps } from "../../lambdas/approval-desk/open.js";
import { dynamoApprovals } from "../../lib/aws/approvals.js";
import { dynamoControl } from "../../lib/aws/control.js";
import { approvalViewOf } from "../approval/fixture.js";
import type { TestStage } from "../aws/cloud.js";

const LINK_ID = "link-of-a-hostile-form-1";
export const DESK_PATH = `/approvals/${LINK_ID}`;

export async function openDesk(stage: TestStage) {
  const view = approvalViewOf({ approval_id: "ap_hostile_forms" });
  const approvals = dynamoApprovals(stage.table("approvals"));
  const ref = { workflow: view.workflow, approvalId: view.approval_id };
  await approvals.insertRequest(view);
  await approvals.insertLink(LINK_ID, {
    workflow: view.workflow,
    approval_id: view.approval_id,
    approver: "ana@example.com",
    role: "approver",
    expires_at: view.deadline,
  });
  await approvals.insertCode(LINK_ID, {
    issue: 0,
    salt: "0".repeat(32),
    code_hash: "0".repeat(64),
    issued_at: view.requested_at,
    expires_at: view.deadline,
  });
  const deps: DeskDeps = {
    stage: view.stage,
    approvals,
    control: dynamoControl(stage.table("control")),
    nowMs: () => Date.parse(view.requested_at) + 60_000,
  };
  return { deps, decided: async () => (await approvals.readDecisions(ref)).length };
}

/** As API Gateway's HTTP API calls a function. */
export const postEvent = (contentType: string, body: string, isBase64Encoded: boolean) => ({
  version: "2.0" as const,
  routeKey: "POST /approvals/{link}",
  rawPath: DESK_PATH,
  rawQueryString: "",
  headers: { "content-type": contentType, accept: "application/json" },
  requestContext: {
    accountId: "111111111111",
    apiId: "a",
    authentication: null,
    authorizer: {},
    domainName: "desk.example",
    domainPrefix: "desk",
    http: { method: "POST", path: DESK_PATH, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "t" },
    requestId: "r",
    routeKey: "POST /approvals/{link}",
    stage: "$default",
    time: "21/Nov/2026:13:01:00 +0000",
    timeEpoch: 0,
  },
  body,
  isBase64Encoded,
});

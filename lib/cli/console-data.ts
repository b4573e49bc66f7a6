/** What the local console shows, read as an auditor reads it. */

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { reportHtml } from "../audit/report/report.js";
import { type ListedApproval, listApprovals } from "../aws/approval-index.js";
import { reviewsOf } from "../client/oversight.js";
import { policyTexts } from "../client/report-policies.js";
import { runReader, runStatus } from "../client/runs.js";
import { verifyEvents } from "../client/verify.js";
import type { ConsoleData } from "../local/console/app.js";
import type { ConsoleTime, Moment } from "../local/console/time.js";
import type { Session } from "../scenario/session.js";
import { sessionConnection } from "../scenario/session-connection.js";

const LISTED_RUNS = 100;

/** `session` is undefined until the cloud is ready; `time` where it may be put forward. */
export function consoleData(
  root: string,
  stage: string,
  session: () => Session | undefined,
  time?: ConsoleTime,
): ConsoleData {
  const reader = async () => {
    const opened = session();
    return opened === undefined ? undefined : runReader(sessionConnection(opened));
  };
  return {
    stage,
    ...(time === undefined ? {} : { time }),
    async waiting() {
      const opened = session();
      if (opened === undefined) return [];
      const connection = sessionConnection(opened);
      const { ApprovalsTable } = await connection.controlPlane();
      const ref = { client: new DynamoDBClient(connection.client("approver")), table: ApprovalsTable };
      const nowMs = opened.cloud.context.clock.now();
      const listed = await Promise.all(
        [...opened.workflows.keys()].map((workflow) => listApprovals(ref, workflow, nowMs, "waiting")),
      );
      return listed.flat().map((one) => ({
        ...one,
        approvalId: one.approval_id,
        runId: one.run_id,
        approvedBy: one.approved_by,
        moments: momentsOf(one, nowMs),
      }));
    },
    slack: () => {
      const slack = session()?.slack;
      if (slack === undefined) return undefined;
      const { workspace, members } = slack;
      return {
        members,
        list: () => workspace.list(),
        press: (user, ts, actionId) => workspace.press(user, ts, actionId),
        modal: (id) => workspace.modal(id),
        submit: (id, typed) => workspace.submit(id, typed),
        dismiss: (id) => workspace.dismiss(id),
      };
    },
    mails: () => session()?.cloud.ses.mailbox.list() ?? [],
    async runs() {
      const runs = await reader();
      const listed = (await runs?.list([...(session()?.workflows.keys() ?? [])], LISTED_RUNS)) ?? [];
      return Promise.all(listed.map(async (run) => ({ ...run, status: runStatus((await runs?.events(run)) ?? []) })));
    },
    async run(workflow, tenant, runId) {
      const events = (await (await reader())?.events({ workflow, tenant, runId })) ?? [];
      return events.length === 0 ? undefined : { events, verdict: (await verifyEvents([events])).summary };
    },
    async report(workflow, tenant, runId) {
      const events = (await (await reader())?.events({ workflow, tenant, runId })) ?? [];
      if (events.length === 0) return undefined;
      const [verdict, policies] = [await verifyEvents([events]), await policyTexts(root, events)];
      const opened = session();
      const reviews = opened === undefined ? [] : await reviewsOf(sessionConnection(opened), events);
      return reportHtml({ events, verdict, policies, reviews, madeAt: new Date().toISOString() });
    },
  };
}

/** What is still to come, soonest first. */
function momentsOf({ remind_at, escalate_at, deadline }: ListedApproval, nowMs: number): readonly Moment[] {
  const all: readonly Moment[] = [
    ...remind_at.map((at) => ({ kind: "reminder", at }) as const),
    ...escalate_at.map((at) => ({ kind: "escalation", at }) as const),
    { kind: "deadline", at: deadline },
  ];
  return all.filter(({ at }) => Date.parse(at) > nowMs).sort((a, b) => a.at.localeCompare(b.at));
}

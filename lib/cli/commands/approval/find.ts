/** One approval by its id, read with the approver's role. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Question, readQuestion } from "../../../approval/question.js";
import { Refusal } from "../../../approval/refusal.js";
import { dynamoApprovals } from "../../../aws/approvals.js";
import type { Connection } from "../../../client/connection.js";
import { CountersignError } from "../../../errors.js";

/** @throws CountersignError CS-5013 when no workflow of the stage has it, CS-2112 when it was changed */
export async function findApproval(
  connection: Connection,
  approvalId: string,
  workflow: string | undefined,
): Promise<Question> {
  const { ApprovalsTable } = await connection.controlPlane();
  const ref = { client: new DynamoDBClient(connection.client("approver")), table: ApprovalsTable };
  const approvals = dynamoApprovals(ref);
  const deps = { stage: connection.stage, approvals, nowMs: Date.now };
  for (const name of workflow === undefined ? await connection.workflows() : [workflow]) {
    if ((await approvals.readRequest({ workflow: name, approvalId })) === undefined) continue;
    return readQuestion(deps, { workflow: name, approvalId }).catch((error: unknown) => {
      throw error instanceof Refusal ? new CountersignError(error.code, error.message, error.details) : error;
    });
  }
  throw new CountersignError(
    "CS-5013",
    `approval ${approvalId}: there is none on stage ${connection.stage}; \`countersign approval list --all\` names them`,
  );
}

/** The front door as an HTTP handler. */
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { CountersignError } from "../../lib/errors.js";
import { requestSuffix, runName } from "../../lib/run/names.js";
import { admitAnswer } from "../../lib/run/protocol.js";
import { logLine } from "../shared/log.js";
import { type RunRequest, readRequest } from "./request.js";
import { type AdmitDeps, startRun } from "./start.js";

export interface AdmitHandlerDeps extends AdmitDeps {
  /** end of a run's name when the request has no id: unique, sorts by time */
  readonly newSuffix: (nowMs: number) => string;
}

/** HTTP status of each refusal; anything else that is coded is the request's fault. */
const STATUS: Readonly<Record<string, number>> = {
  "CS-3001": 423,
  "CS-3002": 403,
  "CS-3006": 409,
  "CS-3007": 429,
  "CS-3008": 403,
  "CS-3011": 409,
};

export function createHandler(deps: AdmitHandlerDeps) {
  return async (event: unknown): Promise<APIGatewayProxyStructuredResultV2> => {
    try {
      return await answer(deps, readRequest(event));
    } catch (error) {
      if (error instanceof CountersignError && /^CS-30(08|09|11)$/.test(error.code))
        return reply(STATUS[error.code] ?? 400, { code: error.code, message: error.message });
      const code = error instanceof CountersignError ? error.code : undefined;
      logLine("error", "admission failed", {
        workflow: deps.contract.name,
        error: error instanceof Error ? error.name : "unknown",
        code,
      });
      const conflict = error instanceof Error && error.name === "Conflict";
      const message = "admission: it failed; send the same request again with its request_id";
      return reply(conflict ? 409 : 500, { code: "CS-3015", message });
    }
  };
}

async function answer(
  deps: AdmitHandlerDeps,
  { requester, body }: RunRequest,
): Promise<APIGatewayProxyStructuredResultV2> {
  const { contract, executions } = deps;
  const tenant = body.tenant ?? contract.tenants[0] ?? "default";
  if (body.tenant === undefined && contract.tenants.length > 1)
    throw new CountersignError("CS-3009", `tenant: missing; ${contract.name} has ${contract.tenants.join(", ")}`);
  const { input, request_id: requestId } = body;
  const suffix =
    requestId === undefined
      ? deps.newSuffix(deps.nowMs())
      : requestSuffix({ workflow: contract.name, tenant, requester, requestId });
  const run = { workflow: contract.name, tenant, runId: runName(contract, input, suffix) };
  const admitted = await startRun(deps, { run, requester, input });
  const fields = { workflow: contract.name, run_id: run.runId, tenant };
  if (admitted.kind === "refused") {
    const { code, reason, checks } = admitted;
    logLine("warn", "run refused", { ...fields, code });
    return reply(STATUS[code] ?? 400, { code, message: reason, checks, run_id: run.runId });
  }
  const { repeated } = admitted;
  logLine("info", "run admitted", { ...fields, repeated });
  return reply(
    repeated ? 200 : 201,
    admitAnswer.parse({ run_id: run.runId, tenant, execution_arn: executions.arnOf(run.runId), repeated }),
  );
}

function reply(statusCode: number, body: object): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify(body),
  };
}

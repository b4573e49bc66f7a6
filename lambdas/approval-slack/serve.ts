/**
 * Takes what Slack sends when somebody presses a button or submits a modal. Nothing of a request is believed before its signature over the
 * raw bytes is checked; then it is worth what its Slack user is worth. The same request again, a retry or a replay, acts once and is
 * answered the same.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { Approvals } from "../../lib/aws/approvals.js";
import { readInteraction } from "../../lib/slack/interaction.js";
import { checkSlackSignature } from "../../lib/slack/signature.js";
import { logLine } from "../shared/log.js";
import { answerTo, type SlackDeps, tooLate } from "./answer.js";

export interface SlackDeskDeps extends SlackDeps {
  readonly approvals: SlackDeps["approvals"] & Pick<Approvals, "insertReceipt" | "readReceipt">;
  readonly signingSecret: () => Promise<string>;
}
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A modal with all that people can type is far below. */
const MAX_BODY_BYTES = 128 * 1024;
const httpEvent = z.object({
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
});

export function createHandler(deps: SlackDeskDeps) {
  return async (event: unknown): Promise<HttpAnswer> => {
    try {
      return await serve(deps, httpEvent.parse(event));
    } catch (error) {
      // Slack shows that the app failed; the words of other systems may hold what they were given.
      logLine("error", "slack request failed", {
        code: "CS-2145",
        error: error instanceof Error ? error.name : "unknown",
      });
      return refused(
        503,
        "CS-2145",
        "slack: it failed; press the button again to see whether your decision was written down",
      );
    }
  };
}

async function serve(deps: SlackDeskDeps, event: z.output<typeof httpEvent>): Promise<HttpAnswer> {
  // API Gateway hands forms over in base64; Slack signed the bytes.
  const rawBody = Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8");
  const signed = {
    timestamp: event.headers["x-slack-request-timestamp"],
    signature: event.headers["x-slack-signature"],
    rawBody,
  };
  const verdict =
    rawBody.length > MAX_BODY_BYTES
      ? "wrong"
      : checkSlackSignature(await deps.signingSecret(), signed, Math.floor(deps.nowMs() / 1000));
  // Who cannot sign writes no row: it would be a way to fill the table.
  if (verdict === "wrong")
    return refused(401, "CS-2142", "slack: the request is not signed by Slack; nothing was done");
  const interaction = readInteraction(rawBody.toString("utf8"));
  if (verdict === "stale") {
    if (interaction !== undefined) await tooLate(deps, interaction);
    return refused(401, "CS-2143", "slack: the request was signed more than 300 s ago; press the button again");
  }
  if (interaction === undefined)
    return refused(400, "CS-2144", "slack: only the buttons and modals of approval messages are answered here");
  if (interaction.kind === "opened") return answered("");
  const receipt = createHash("sha256").update(rawBody).digest("hex");
  return answered(await once(deps, receipt, () => answerTo(deps, interaction, receipt)));
}

/** The first answer is the answer. Of two at the same time one may fail, as a modal opens once: then the other's counts. */
async function once(
  { approvals }: Pick<SlackDeskDeps, "approvals">,
  receipt: string,
  act: () => Promise<string>,
): Promise<string> {
  const known = await approvals.readReceipt(receipt);
  if (known !== undefined) return known;
  let answer: string;
  try {
    answer = await act();
  } catch (error) {
    const others = await approvals.readReceipt(receipt);
    if (others === undefined) throw error;
    return others;
  }
  if ((await approvals.insertReceipt(receipt, answer)) === "inserted") return answer;
  return (await approvals.readReceipt(receipt)) ?? answer;
}

const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** An empty answer closes a modal, and is all that a button needs. */
function answered(body: string): HttpAnswer {
  const type = body === "" ? {} : { "content-type": "application/json" };
  return { statusCode: 200, headers: { ...HEADERS, ...type }, body };
}

function refused(statusCode: number, code: string, message: string): HttpAnswer {
  logLine("warn", "slack request refused", { code });
  const headers = { ...HEADERS, "content-type": "application/json" };
  return { statusCode, headers, body: JSON.stringify({ code, message }) };
}

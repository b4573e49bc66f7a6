/** Asks a tool's preview function what an action would change. Needs `lambda:InvokeFunction` on the workflow's previews. */
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type * as z from "zod";
import { readJsonOr } from "../run/json.js";
import { MAX_OUTPUT_BYTES, previewAnswer, type previewRequest } from "../run/protocol.js";

/** A preview with what is around it. */
const MAX_PREVIEW_BYTES = 2 * MAX_OUTPUT_BYTES;

export type PreviewAnswer = z.infer<typeof previewAnswer>;
export interface Previews {
  /** An answer in any case: a function that failed or answered nonsense is an `error`. */
  ask(tool: string, request: z.input<typeof previewRequest>): Promise<PreviewAnswer>;
}

export function lambdaPreviews(client: LambdaClient, functionPrefix: string): Previews {
  return {
    async ask(tool, request) {
      const answer = await client.send(
        new InvokeCommand({
          FunctionName: `${functionPrefix}${tool.replaceAll(".", "-")}`,
          Payload: Buffer.from(JSON.stringify(request)),
        }),
      );
      if (answer.FunctionError !== undefined) return failed("preview_failed", "the preview function failed");
      const parsed = previewAnswer.safeParse(
        readJsonOr(answer.Payload ?? new Uint8Array(), MAX_PREVIEW_BYTES, undefined),
      );
      return parsed.success ? parsed.data : failed("preview_malformed", "the preview function's answer is no preview");
    },
  };
}

function failed(code: string, message: string): PreviewAnswer {
  return { status: "error", error: { code, message } };
}

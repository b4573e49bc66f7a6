import { type ToolContext, ToolError, z } from "../../../../../../lib/index.js";

const user = z.object({ id: z.int(), name: z.string() });
const comment = z.object({ id: z.int(), author_id: z.int(), public: z.boolean(), body: z.string() });
export const ticketAnswer = z.object({ ticket: z.object({ id: z.int(), status: z.string(), subject: z.string() }) });
export const commentsAnswer = z.object({ comments: z.array(comment), users: z.array(user).default([]) });
export const updateAnswer = z.object({
  audit: z.object({ events: z.array(z.looseObject({ id: z.int(), type: z.string() })) }),
});

/** One call to Zendesk's API; the answer is parsed with `schema`. */
export async function zendesk<S extends z.ZodType>(
  context: ToolContext,
  schema: S,
  path: string,
  write?: { readonly method: "PUT"; readonly body: unknown },
): Promise<z.output<S>> {
  const token = await context.secret("zendesk-api-token");
  const effectPossible = write !== undefined;
  let response: Response;
  try {
    response = await fetch(new URL(path, context.baseUrl("acme.zendesk.com")), {
      method: write?.method ?? "GET",
      headers: {
        authorization: `Basic ${Buffer.from(token).toString("base64")}`,
        ...(write === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(write === undefined ? {} : { body: JSON.stringify(write.body) }),
      signal: context.signal,
      redirect: "error",
    });
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw new ToolError("network", `zendesk: no answer (${error instanceof Error ? error.name : "unknown"})`, {
      retryable: true,
      effectPossible,
    });
  }
  if (response.status === 429)
    throw new ToolError("rate_limited", "zendesk: too many requests", { retryable: true, effectPossible: false });
  if (response.status >= 500)
    throw new ToolError("unavailable", `zendesk: status ${response.status}`, { retryable: true, effectPossible });
  if (!response.ok)
    throw new ToolError(`http_${response.status}`, `zendesk: status ${response.status} for ${path}`, {
      retryable: false,
      effectPossible: false,
    });
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success)
    throw new ToolError("malformed_answer", "zendesk: the answer is not what the API documents", {
      retryable: false,
      effectPossible,
    });
  return parsed.data;
}

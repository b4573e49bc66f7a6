import { type ToolContext, ToolError, z } from "../../../lib/index.js";
import { itemId, status } from "./desk.js";

const item = z.strictObject({ item_id: itemId, status, title: z.string().max(200) });

/** One call to the desk's API. A lost answer to a write may hide an effect, so it says so. */
export async function deskItem(
  context: ToolContext,
  id: string,
  change?: { readonly status: string },
): Promise<z.output<typeof item>> {
  const token = await context.secret("desk-token");
  const effectPossible = change !== undefined;
  let response: Response;
  try {
    response = await fetch(new URL(`/items/${id}`, context.baseUrl("desk.example.com")), {
      method: change === undefined ? "GET" : "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(change === undefined ? {} : { body: JSON.stringify(change) }),
      signal: context.signal,
      redirect: "error",
    });
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw new ToolError("network", "desk: no answer", { retryable: true, effectPossible });
  }
  if (response.status >= 500)
    throw new ToolError("unavailable", `desk: status ${response.status}`, { retryable: true, effectPossible });
  if (!response.ok)
    throw new ToolError(`http_${response.status}`, `desk: status ${response.status}`, {
      retryable: false,
      effectPossible: false,
    });
  const parsed = item.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success)
    throw new ToolError("malformed_answer", "desk: the answer is not an item", { retryable: false, effectPossible });
  return parsed.data;
}

import type { Handler } from "../../../lib/index.js";
import { deskItem } from "./desk.client.js";
import type { setStatus } from "./desk.js";

export const handle: Handler<typeof setStatus> = async (input, context) => {
  const item = await deskItem(context, input.item_id, { status: input.status });
  return { item_id: item.item_id, status: item.status };
};

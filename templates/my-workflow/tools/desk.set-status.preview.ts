import type { Preview } from "../../../lib/index.js";
import { deskItem } from "./desk.client.js";
import type { setStatus } from "./desk.js";

export const preview: Preview<typeof setStatus> = async (input, context) => {
  const item = await deskItem(context, input.item_id);
  return { before: { ...item }, after: { ...item, status: input.status } };
};

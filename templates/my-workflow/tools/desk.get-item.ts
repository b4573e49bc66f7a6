import type { Handler } from "../../../lib/index.js";
import { deskItem } from "./desk.client.js";
import type { getItem } from "./desk.js";

export const handle: Handler<typeof getItem> = (input, context) => deskItem(context, input.item_id);

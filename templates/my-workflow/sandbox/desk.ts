import * as z from "zod";
import type { SandboxStart } from "../../../lib/contract/model.js";
import { cannedAnswers, type SandboxSystem, serveSandbox } from "../../../lib/local/sandbox.js";

const seedSchema = z.strictObject({
  items: z.array(z.strictObject({ item_id: z.string(), status: z.string(), title: z.string() })),
  answers: cannedAnswers,
});
const change = z.strictObject({ status: z.string() });

function desk(seed: z.output<typeof seedSchema>): SandboxSystem {
  const items = new Map(seed.items.map((item) => [item.item_id, item]));
  return {
    state: () => ({ items: [...items.values()] }),
    answer: (request) => {
      const item = items.get(request.path.replace(/^\/items\//, ""));
      if (item === undefined) return { status: 404, body: { error: "no such item" } };
      if (request.method === "GET") return { status: 200, body: item };
      const changed = { ...item, ...change.parse(JSON.parse(request.body)) };
      items.set(item.item_id, changed);
      return { status: 200, body: changed };
    },
  };
}

export const start: SandboxStart = ({ seed }) => serveSandbox((value) => seedSchema.parse(value), desk, seed);

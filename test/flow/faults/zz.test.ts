import { afterAll, beforeAll, expect, test } from "vitest";
import { vi } from "vitest"; import { hostHere } from "./functions.js";
import { pointName } from "../../../lib/local/faults.js";
import { violations } from "./invariants.js";
import { Lab } from "./lab.js";
let lab: Lab;
beforeAll(async () => { vi.spyOn(console, "log").mockImplementation(() => {}); lab = await Lab.open(hostHere); }, 300_000);
afterAll(() => lab.close());
test("first", async () => {
  for (let i = 0; i < 12; i++) {
  const t = performance.now();
  await lab.begin();
  const order = lab.newOrder({ account: "acc_1", writes: [{ tool: "book.post_with_key", amountCents: 5000 }] });
  console.log("start", await lab.start(order));
  await lab.drive(async (asked) => void (await lab.decide(asked, "ana@example.com", "approve")));
  const world = await lab.world();
  console.error(performance.now() - t, [...world.runs.values()].map((e) => e.map((x) => x.type + (x.type==="RunClosed"? JSON.stringify(x.data):""))));
  console.log(await violations(world, lab.contract));
  if (i === 0 || i === 11) console.log(lab.faults.seen.map(pointName).map((s) => s.replaceAll("countersign-dev-fault-lab-", "").replaceAll("countersign-dev-", "")).join("\n"));
  }
}, 300_000);

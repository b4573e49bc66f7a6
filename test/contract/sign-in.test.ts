import { expect, test } from "vitest";
import { isWarning, renderFault } from "../../lib/contract/faults.js";
import { signInWarnings } from "../../lib/contract/rules/sign-in.js";
import { contract, refund } from "../run/support.js";

test("a stage without sign-in is warned of each tool that people may be asked about and cannot see whole", () => {
  const faults = signInWarnings(contract);
  expect(faults.map((fault) => renderFault(fault, "/"))).toEqual([
    'contract.tools[2].sensitive: "stripe.refund" has fields that are shown only after sign-in (memo), and this stage has no issuer: neither a mailed code nor Slack decides about it; set oidcIssuer and oidcClientId in cdk.json\'s context, or let people decide on the command line (t.ts)',
  ]);
  expect(faults.every(isWarning)).toBe(true);
});

test("not of what is read only, nor of results that no preview shows", () => {
  const { preview: _, ...unseen } = { ...refund, sensitiveInput: [], sensitiveOutput: ["refund_id"] };
  expect(signInWarnings({ tools: [{ ...unseen, preview: "/p.ts" }] })).toHaveLength(1);
  expect(signInWarnings({ tools: [unseen] })).toEqual([]);
  expect(signInWarnings({ tools: [{ ...refund, effect: "read" }] })).toEqual([]);
});

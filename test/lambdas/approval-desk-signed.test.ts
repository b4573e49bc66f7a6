import { describe, expect, test } from "vitest";
import { signedBy } from "../../lambdas/approval-desk/signed.js";

const signed = (userArn?: string) => ({ requestContext: { authorizer: { iam: { userArn } } } });
const ROLE = "countersign-dev-Approver-1";

test("a session of the approver role is the person whose name it has", () => {
  const arn = `arn:aws:sts::111111111111:assumed-role/${ROLE}/Ana@example.com`;
  expect(signedBy(signed(arn), ROLE)).toEqual({
    approver: "ana@example.com",
    channel: "cli",
    method: "iam",
    subject: arn,
  });
});

describe("nobody else is an approver, whatever name they gave their session", () => {
  test.each([
    ["another role", "arn:aws:sts::111111111111:assumed-role/Admin/ana@example.com"],
    ["a role with a longer name", `arn:aws:sts::111111111111:assumed-role/${ROLE}2/ana@example.com`],
    ["a role whose name is the end of it", "arn:aws:sts::111111111111:assumed-role/1/ana@example.com"],
    ["a session that has the role in its name", `arn:aws:sts::111111111111:assumed-role/Admin/${ROLE}/ana@example.com`],
    ["a user", "arn:aws:iam::111111111111:user/ana@example.com"],
    ["a user below a path like the role", `arn:aws:iam::111111111111:user/assumed-role/${ROLE}/ana@example.com`],
    ["the role without a person", `arn:aws:sts::111111111111:assumed-role/${ROLE}/deploy`],
    ["nobody", undefined],
  ])("%s", (_, arn) => {
    expect(() => signedBy(signed(arn), ROLE)).toThrow(expect.objectContaining({ code: "CS-2129" }));
  });
});

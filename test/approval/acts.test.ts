import { beforeEach, expect, test, vi } from "vitest";
import { editedArgs, fieldsOf } from "../../lib/approval/fields.js";
import { Desk } from "./desk-in-memory.js";

beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => {}));
const [ana, bo, max, owner] = ["ana@example.com", "bo@example.com", "max@example.com", "payments-ops@example.com"];

test("a question goes to the owner with a link of their own; the answer is on the page and in a mail; the clock goes on", async () => {
  const desk = await new Desk().ask();
  const { path, code } = desk.wayOf(ana);
  expect((await desk.post(path, { decision: "ask", comment: "why twice?" })).code).toBe("CS-2102");
  expect((await desk.post(path, { decision: "ask", code, comment: " " })).code).toBe("CS-2126");
  const asked = await desk.post(path, { decision: "ask", code, comment: "why twice?" });
  expect([asked.status, asked.html]).toEqual([200, expect.stringContaining("Your question was sent")]);
  await desk.post(path, { decision: "ask", code, comment: "why twice?" });
  await desk.deliver();
  expect(desk.mails.filter(({ to }) => to === owner)).toHaveLength(1);
  desk.nowMs += 60_000;
  const theirs = desk.wayOf(owner);
  const page = await desk.get(theirs.path);
  expect(page.html).toContain("why twice?");
  expect(page.html).not.toMatch(/value="approve"/);
  const question = /<option value="([0-9a-f]+)"/.exec(page.html)?.[1] ?? "";
  const answer = { decision: "answer", question, comment: "the bank did" };
  expect((await desk.post(theirs.path, { ...answer, code })).code).toBe("CS-2103");
  expect((await desk.post(path, { ...answer, code })).code).toBe("CS-2128");
  expect(
    (await desk.post(theirs.path, { ...answer, decision: "approve", code: theirs.code, confirmation: "420.00" })).code,
  ).toBe("CS-2118");
  expect((await desk.post(theirs.path, { ...answer, code: theirs.code })).status).toBe(200);
  await desk.deliver();
  expect(desk.mails.at(-1)).toMatchObject({ to: ana, text: expect.stringContaining("the bank did") });
  expect((await desk.get(path)).html).toMatch(/asked the owner[\s\S]*why twice\?[\s\S]*answered[\s\S]*the bank did/);
  expect((await desk.post(path, { decision: "approve", code, confirmation: "420.00" })).html).toContain("Approved.");
});

test("a decision is handed on: the delegate gets a link, the delegator decides no more", async () => {
  const desk = await new Desk({ approvers: [ana, bo], delegates: [max] }).ask();
  const { path, code } = desk.wayOf(ana);
  for (const to of ["eve@example.com", ana, "dana@example.com", ""])
    expect((await desk.post(path, { decision: "delegate", code, to })).code, to).toBe("CS-2127");
  expect((await desk.post(path, { decision: "delegate", code, to: max })).html).toContain(
    "You handed this decision on",
  );
  await desk.deliver();
  expect((await desk.post(path, { decision: "approve", code, confirmation: "420.00" })).code).toBe("CS-2119");
  const theirs = desk.wayOf(max);
  expect(desk.mails.at(-1)?.text).toContain(`${ana} handed this decision to you`);
  const approved = await desk.post(theirs.path, { decision: "approve", code: theirs.code, confirmation: "420.00" });
  expect(approved.html).toContain("Approved.");
  await desk.deliver();
  // Everybody who was asked is told who decided, once.
  for (const to of [ana, bo, max])
    expect(
      desk.mails.filter((mail) => mail.to === to && mail.subject.startsWith("Approved")),
      to,
    ).toHaveLength(1);
  expect(desk.mails.at(-1)?.text).toMatch(/Approved by max@example\.com, .*Europe\/Berlin.*, on the page/);
});

test("an edit is one row, whoever is first; the form keeps what was not touched exactly as it was", async () => {
  const args = {
    charge_id: "ch_77",
    amount_cents: 42_000,
    memo: "for Jo Doe",
    note: "one\ntwo\t ",
    flag: true,
    list: [1, "a.b"],
  };
  const desk = await new Desk({ args, action_hash: undefined as never }).ask();
  const { path, code } = desk.wayOf(ana);
  const { html } = await desk.get(path);
  const named = [...html.matchAll(/name="(edit\.[^"]+)"/g)].map(([, name]) => name?.replaceAll("&quot;", '"'));
  expect(named).toEqual([
    'edit.["charge_id"]',
    'edit.["amount_cents"]',
    'edit.["memo"]',
    'edit.["note"]',
    'edit.["flag"]',
    'edit.["list",0]',
    'edit.["list",1]',
  ]);
  const fields = { 'edit.["note"]': "one\r\ntwo\t ", 'edit.["charge_id"]': "ch_77", 'edit.["flag"]': "true" };
  for (const [amount, kind] of [
    ["4.2e4", "CS-2125"],
    ["042", "CS-2125"],
    ["9007199254740993", "CS-2125"],
    ["", "CS-2125"],
  ] as const)
    expect((await desk.post(path, { decision: "edit", code, ...fields, 'edit.["amount_cents"]': amount })).code).toBe(
      kind,
    );
  expect((await desk.post(path, { decision: "edit", code, 'edit.["other"]': "me" })).code).toBe("CS-2125");
  // What is sensitive is not offered, and not taken.
  expect(fieldsOf(args, ["memo"]).map(({ label }) => label)).not.toContain("memo");
  expect(() => editedArgs(args, { 'edit.["memo"]': "me" }, ["memo"])).toThrow(/is no field of the arguments/);
  const edited = await desk.post(path, { decision: "edit", code, ...fields, 'edit.["amount_cents"]': "20000" });
  expect(edited.html).toContain("Changed by ana@example.com");
  expect(await desk.approvals.readActs(desk.ref)).toContainEqual(
    expect.objectContaining({ kind: "edit", by: ana, args: { ...args, amount_cents: 20_000 } }),
  );
  const late = desk.wayOf(bo);
  expect((await desk.post(late.path, { decision: "approve", code: late.code, confirmation: "420.00" })).code).toBe(
    "CS-2122",
  );
  await desk.deliver();
  expect(desk.woken).not.toEqual([]);
});

test("a code from a mail is not enough where a sign-in is required, nor is a link without it anywhere", async () => {
  const desk = await new Desk({ sign_in: "required", needed: 2 }).ask();
  const { path, code } = desk.wayOf(ana);
  for (const decision of ["approve", "reject", "ask", "delegate", "edit"])
    expect((await desk.post(path, { decision, code, confirmation: "420.00", comment: "x", to: bo })).code).toMatch(
      /CS-21(20|27)/,
    );
  const refused = (await desk.approvals.readActs(desk.ref)).filter(({ kind }) => kind === "refused");
  expect(refused).toContainEqual(expect.objectContaining({ code: "CS-2120", channel: "page", who: ana }));
  expect(await desk.approvals.readDecisions(desk.ref)).toEqual([]);
});

test("what was decided about is what was shown: another hash is refused", async () => {
  const desk = await new Desk().ask();
  const { path, code } = desk.wayOf(ana);
  const approve = { decision: "approve", code, confirmation: "420.00" };
  expect((await desk.post(path, { ...approve, shown: "e".repeat(64) })).code).toBe("CS-2121");
  const shown = /name="shown" value="([0-9a-f]{64})"/.exec((await desk.get(path)).html)?.[1] ?? "";
  expect((await desk.post(path, { ...approve, shown })).html).toContain("Approved.");
});

test("who comes late sees what became of it, never just that it is over", async () => {
  const desk = await new Desk().ask();
  const { path, code } = desk.wayOf(ana);
  await desk.post(path, { decision: "approve", code, confirmation: "420.00", comment: "twice" });
  const at = "2026-11-21T13:13:00.000Z";
  await desk.approvals.insertOutcome(desk.ref, { kind: "permitted", at, reasons: [], next_approval_id: null });
  expect((await desk.get(path)).html).toContain("It is running.");
  await desk.approvals.insertOutcome(desk.ref, { kind: "ran", at, status: "ok", reference: "re_1" });
  for (const person of [ana, bo])
    expect((await desk.get(desk.wayOf(person).path)).html).toMatch(
      /Approved\.[\s\S]*It ran by 14:13 Europe\/Berlin[\s\S]*re_1/,
    );
});

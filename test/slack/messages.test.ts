import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageBlocks, modalView } from "../../lib/local/slack/limits.js";
import { askedMessage, closedMessage, editableFields, isWholeInSlack } from "../../lib/slack/messages.js";
import { approveModal, askModal, delegateModal, editModal, rejectModal } from "../../lib/slack/modals.js";
import { approvalViewOf, SENSITIVE } from "../approval/fixture.js";

const URL = "https://desk.example.com/approvals/abcdefghijklmnop";
const plain = approvalViewOf({ sensitive_paths: [], nonces: {} });
const actionsOf = (message: ReturnType<typeof askedMessage>) =>
  message.blocks.flatMap((block) => (block.type === "actions" ? block.elements.map((one) => one.action_id) : []));
const textsOf = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(textsOf)
      : [];
const shown = (message: ReturnType<typeof askedMessage>) => JSON.stringify(message.blocks);

describe("the question in Slack", () => {
  it("says what, the changes, why, who asked, until when, and has its buttons", () => {
    const message = askedMessage(plain, URL);
    for (const text of [
      "Refund €420.00 to cus_9: cannot be undone",
      "€0.00 (0) → €420.00 (42000)",
      "refund_threshold",
      "Two charges within a minute.",
      "dana@example.com",
      "18:00 Europe/Berlin",
      "no answer means no",
    ])
      expect(shown(message)).toContain(text);
    expect(actionsOf(message)).toEqual(["approve", "reject", "edit", "ask", "delegate", "open-page"]);
    expect(messageBlocks.safeParse(message.blocks).error).toBeUndefined();
  });

  it("of an action with sensitive arguments shows none of them and cannot be approved there", () => {
    const message = askedMessage(approvalViewOf(SENSITIVE), URL);
    expect(JSON.stringify(message)).not.toContain("Jo Doe");
    expect(shown(message)).toContain("(sensitive: only after sign-in)");
    expect(actionsOf(message)).toEqual(["reject", "ask", "delegate", "open-page"]);
  });

  it("that does not fit whole cannot be approved there either", () => {
    const long = approvalViewOf({ sensitive_paths: [], nonces: {}, args: { note: "x".repeat(60_000) } });
    const many = approvalViewOf({
      sensitive_paths: [],
      nonces: {},
      preview: null,
      args: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`field_${index}`, index])),
    });
    for (const view of [long, many]) {
      const message = askedMessage(view, URL);
      expect(actionsOf(message)).toEqual(["reject", "ask", "delegate", "open-page"]);
      expect(messageBlocks.safeParse(message.blocks).error).toBeUndefined();
    }
  });

  it("once decided names who and has no button but the link", () => {
    const message = closedMessage(plain, ["Approved by ana@example.com, 14:13, in Slack: 'twice'"], URL);
    expect(shown(message)).toContain("Approved by ana@example.com, 14:13");
    expect(shown(message)).toContain(`npx countersign run report ${plain.run_id} --stage ${plain.stage}`);
    expect(actionsOf(message)).toEqual(["open-page"]);
  });

  it("asks for what must be typed, and for the reason of a rejection", () => {
    expect(JSON.stringify(approveModal(plain))).toContain("Type 420.00 to approve");
    expect(modalView.safeParse(approveModal(plain)).error).toBeUndefined();
    expect(modalView.safeParse(rejectModal(plain)).error).toBeUndefined();
  });
});

describe("hostile text", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.constantFrom(
      "<!channel> <@U1> <https://evil.example|click> *bold* _it_ `code` ~no~ :boom:",
      "\u202Egnp.exe \u200B\u2066x",
      "a\u0000b\u001b[31mred",
      "x".repeat(60_000),
      "-".repeat(150),
      "  trailing  ",
    ),
  );

  it("in every field that an agent controls stays within Slack's limits, and is never markup", () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (title, value, says) => {
        const view = approvalViewOf({
          sensitive_paths: [],
          nonces: {},
          title: title === "" ? "x" : title,
          says,
          args: { value },
          preview: { before: { value: "" }, after: { value }, notes: [says] },
        });
        for (const message of [askedMessage(view, URL), closedMessage(view, [says || "x"], URL)]) {
          expect(messageBlocks.safeParse(message.blocks).error).toBeUndefined();
          // The only place where Slack reads markup is the fallback text.
          expect(message.text).not.toMatch(/<[!@#h]/);
          expect(JSON.stringify(message.blocks)).not.toContain('"mrkdwn"');
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(textsOf(message.blocks).join("")).not.toMatch(/[\u0000-\u0009\u001b\u200b\u202e\u2066]/);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("that fits is shown to the last letter", () => {
    const text = `${"y".repeat(300)} end`;
    const view = approvalViewOf({ sensitive_paths: [], nonces: {}, args: { text }, preview: null, says: null });
    expect(isWholeInSlack(view)).toBe(true);
    expect(shown(askedMessage(view, URL))).toContain(text);
  });
});

describe("what opens in Slack", () => {
  const blocksOf = (modal: ReturnType<typeof editModal>) =>
    modalView.parse(modal).blocks.flatMap((one) => (one.type === "input" ? [one] : []));

  it("offers every field that a modal gives back exactly as it was", () => {
    const args = {
      charge_id: "ch_77",
      amount_cents: 42_000,
      flag: true,
      note: "one\ntwo",
      edge: "ends with a space ",
      hidden: "a\u200b",
      none: null,
    };
    const view = approvalViewOf({ args, preview: null });
    expect(editableFields(view).map(({ label }) => label)).toEqual(["charge_id", "amount_cents", "flag", "note"]);
    expect(
      blocksOf(editModal(view)).map(({ element }) =>
        element.type === "static_select" ? element.initial_option?.value : element.initial_value,
      ),
    ).toEqual(["ch_77", "42000", "true", "one\ntwo"]);
  });

  it("offers no change of what the message does not show whole", () => {
    for (const over of [SENSITIVE, { page_only: ["preview"] as ["preview"] }, { args: { note: "x".repeat(20_000) } }]) {
      const view = approvalViewOf(over);
      expect(editableFields(view)).toEqual([]);
      expect(actionsOf(askedMessage(view, URL))).not.toContain("edit");
    }
  });

  it("asks nobody where there is no owner, and hands on to nobody where there is nobody else", () => {
    const view = approvalViewOf({ owner: null, approvers: ["ana@example.com"] });
    expect(actionsOf(askedMessage(view, URL))).toEqual(["approve", "reject", "edit", "open-page"]);
  });

  it("is what Slack takes, whatever people and arguments are like", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 4000 });
    const args = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 300 }),
      fc.oneof(text, fc.integer(), fc.boolean()),
      { maxKeys: 70 },
    );
    fc.assert(
      fc.property(args, fc.array(fc.emailAddress(), { minLength: 1, maxLength: 120 }), (given, people) => {
        const view = approvalViewOf({ args: given, preview: null });
        const modals = [
          askModal(view),
          delegateModal(view, people),
          ...(editableFields(view).length > 0 ? [editModal(view)] : []),
        ];
        for (const modal of modals) expect(modalView.safeParse(modal).error).toBeUndefined();
        expect(messageBlocks.safeParse(askedMessage(view, URL).blocks).error).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });
});

/** What Slack refuses: the limits of Block Kit that our messages could meet. Source: https://docs.slack.dev/reference/block-kit/blocks */
import * as z from "zod";

const plain = (max: number) =>
  z.strictObject({ type: z.literal("plain_text"), text: z.string().min(1).max(max), emoji: z.boolean().optional() });
const style = z
  .strictObject({ bold: z.boolean(), italic: z.boolean(), strike: z.boolean(), code: z.boolean() })
  .partial()
  .optional();
const richText = z.strictObject({
  type: z.literal("rich_text"),
  block_id: z.string().max(255).optional(),
  elements: z
    .array(
      z.strictObject({
        type: z.enum(["rich_text_section", "rich_text_quote"]),
        elements: z.array(z.strictObject({ type: z.literal("text"), text: z.string().min(1), style })),
      }),
    )
    .min(1),
});
const button = z.strictObject({
  type: z.literal("button"),
  action_id: z.string().max(255),
  text: plain(75),
  value: z.string().max(2000).optional(),
  url: z.url().max(3000).optional(),
  style: z.enum(["primary", "danger"]).optional(),
});
const actions = z.strictObject({
  type: z.literal("actions"),
  block_id: z.string().max(255).optional(),
  elements: z.array(button).min(1).max(25),
});
const option = z.strictObject({ text: plain(75), value: z.string().min(1).max(150) });
const input = z.strictObject({
  type: z.literal("input"),
  block_id: z.string().max(255),
  optional: z.boolean(),
  label: plain(2000),
  element: z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("plain_text_input"),
      action_id: z.string().max(255),
      multiline: z.boolean(),
      max_length: z.int().min(1).max(3000),
      initial_value: z.string().min(1).max(3000).optional(),
    }),
    z
      .strictObject({
        type: z.literal("static_select"),
        action_id: z.string().max(255),
        options: z.array(option).min(1).max(100),
        initial_option: option.optional(),
      })
      .refine(
        ({ options, initial_option: chosen }) =>
          chosen === undefined || options.some(({ value }) => value === chosen.value),
        "initial_option must be one of options",
      ),
  ]),
});
const block = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("header"), text: plain(150) }),
  z.strictObject({ type: z.literal("context"), elements: z.array(plain(2000)).min(1).max(10) }),
  richText,
  actions,
  input,
]);
export type SlackBlock = z.output<typeof block>;

export const messageBlocks = z
  .array(block)
  .min(1)
  .max(50)
  // Slack answers msg_blocks_too_long beyond this.
  .refine((blocks) => JSON.stringify(blocks).length <= 13_200, "msg_blocks_too_long");
export const modalView = z
  .strictObject({
    type: z.literal("modal"),
    callback_id: z.string().max(255),
    private_metadata: z.string().max(3000).default(""),
    title: plain(24),
    submit: plain(24).optional(),
    close: plain(24),
    blocks: z.array(block).min(1).max(100),
  })
  .refine(
    ({ submit, blocks }) => submit !== undefined || blocks.every(({ type }) => type !== "input"),
    "a modal with inputs needs submit",
  );
export type SlackModal = z.output<typeof modalView>;

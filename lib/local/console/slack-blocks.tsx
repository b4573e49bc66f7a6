/** Slack's blocks drawn as Slack draws them: rich text letter by letter, nothing read as markup. */
import type { FC } from "hono/jsx";
import type { SlackBlock } from "../slack/limits.js";

type Actions = Extract<SlackBlock, { type: "actions" }>;
export type Button = Actions["elements"][number];
type RichText = Extract<SlackBlock, { type: "rich_text" }>;
export type InputBlock = Extract<SlackBlock, { type: "input" }>;

/** `button` and `input` draw what can be used, so that the same block stands in a message and in a modal. */
export const Blocks: FC<{
  blocks: readonly SlackBlock[];
  button: FC<{ button: Button }>;
  input: FC<{ block: InputBlock }>;
}> = ({ blocks, button: ButtonOf, input: InputOf }) => (
  <>
    {blocks.map((block) => {
      switch (block.type) {
        case "header":
          return <p class="slack-header">{block.text.text}</p>;
        case "context":
          return <p class="slack-context">{block.elements.map(({ text }) => text).join(" ")}</p>;
        case "rich_text":
          return <Rich block={block} />;
        case "actions":
          return (
            <div class="slack-actions">
              {block.elements.map((button) => (
                <ButtonOf button={button} />
              ))}
            </div>
          );
        case "input":
          return <InputOf block={block} />;
        default:
          return block satisfies never;
      }
    })}
  </>
);

const Rich: FC<{ block: RichText }> = ({ block }) => (
  <>
    {block.elements.map(({ type, elements }) => {
      const text = elements.map((one) => {
        const styled = one.style?.bold === true ? <strong>{one.text}</strong> : one.text;
        return one.style?.code === true ? <code>{styled}</code> : styled;
      });
      return type === "rich_text_quote" ? <blockquote>{text}</blockquote> : <p class="slack-text">{text}</p>;
    })}
  </>
);

/** Slack's own colours, so that a preview in the console is one. */
export const SLACK_STYLE = `
.slack { --slack: #fff; --ink: #1d1c1d; --line: #dddddd; --dim: #616061; --code: #c01343; --field: #868686; background: var(--slack); color: var(--ink); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; font: 15px/1.47 "Slack-Lato", Lato, system-ui, sans-serif; max-width: 44rem; margin: 0 0 1.5rem; }
@media (prefers-color-scheme: dark) { .slack { --slack: #1a1d21; --ink: #d1d2d3; --line: #565856; --dim: #ababad; --code: #e8912d; --field: #7d7e80; } }
.slack p { margin: 0 0 .35rem; overflow-wrap: anywhere; white-space: pre-wrap; }
.slack .who { display: flex; flex-wrap: wrap; gap: .15rem .5rem; align-items: baseline; margin-bottom: .4rem; }
.slack .app { background: var(--line); color: var(--ink); border-radius: .15rem; font-size: .7rem; font-weight: 700; padding: 0 .25rem; }
.slack .slack-context, .slack .dim { color: var(--dim); font-size: .82rem; }
.slack .slack-header { font-weight: 900; font-size: 1.1rem; }
.slack code { color: var(--code); border: 1px solid var(--line); border-radius: .2rem; padding: 0 .2rem; overflow-wrap: anywhere; }
.slack blockquote { border-left: .25rem solid var(--line); margin: 0 0 .5rem; padding-left: .75rem; overflow-wrap: anywhere; white-space: pre-wrap; }
.slack-actions { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .75rem; align-items: center; }
.slack-actions form { margin: 0; }
.slack button, .slack a.button { display: inline-block; font-family: inherit; font-size: 14px; font-weight: 700; line-height: 1.4; box-sizing: border-box; padding: .35rem .8rem; min-height: 2rem; border-radius: .25rem; border: 1px solid var(--field); background: var(--slack); color: var(--ink); text-decoration: none; cursor: pointer; }
.slack button.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.slack button.danger { background: #c01343; border-color: #c01343; color: #fff; }
.slack label { display: block; font-weight: 700; margin: .75rem 0 .25rem; }
.slack input, .slack textarea, .slack select { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem .6rem; border: 1px solid var(--field); border-radius: .25rem; background: var(--slack); color: var(--ink); }
.slack select { width: auto; max-width: 100%; }
.slack .wrong { color: #b3001b; font-weight: 700; }
@media (prefers-color-scheme: dark) { .slack .wrong { color: #ff9aa8; } }
`;

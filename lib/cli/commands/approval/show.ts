import type { Command } from "commander";
import { changesOf, leaves } from "../../../approval/changes.js";
import { type Question, stateOf } from "../../../approval/question.js";
import { instantText } from "../../../approval/times.js";
import { titleLine } from "../../../approval/wording.js";
import { type CommandContext, withConnection } from "../../context.js";
import { printable, table } from "../../io.js";
import { findApproval } from "./find.js";

export function showCommand(approval: Command, context: CommandContext): void {
  approval
    .command("show")
    .description("what is asked, why, who answered, and what became of it; sensitive values are on the page only")
    .argument("<approval-id>", "ap_…, as `approval list` names it")
    .option("--workflow <workflow>", "of this workflow")
    .action(async (id: string, options: { workflow?: string }, command: Command) =>
      withConnection(command, context, { live: false }, async (connection, { io, json }) => {
        const question = await findApproval(connection, id, options.workflow);
        io.out(json ? JSON.stringify(asJson(question)) : lines(question).join("\n"));
      }),
    );
}

function asJson({ view, decisions, acts, closing, outcomes, ...rest }: Question) {
  const { args, nonces: _nonces, preview, ...asked } = view;
  const hidden = view.sensitive_paths.length > 0;
  return {
    status: stateOf({ view, decisions, acts, closing, outcomes, ...rest }, Date.now()).kind,
    ...asked,
    args: hidden ? null : args,
    preview: hidden ? null : preview,
    decisions,
    acts,
    outcomes,
  };
}

function lines(question: Question): string[] {
  const { view, decisions, acts, outcomes } = question;
  const state = stateOf(question, Date.now());
  const hidden = view.sensitive_paths.length > 0;
  const rows =
    view.preview === null
      ? [...leaves(view.args)].map(([path, { value }]) => [path, JSON.stringify(value)])
      : changesOf(view.preview)
          .filter(({ changed }) => changed)
          .map(({ field, before, after }) => [field, `${before ?? "(not there)"} → ${after ?? "(removed)"}`]);
  return [
    printable(titleLine(view)),
    `${view.workflow} · ${view.tenant} · run ${view.run_id}, step ${view.turn} · ${view.tool}`,
    ...(hidden ? ["(arguments and changes: on the approval page, some are sensitive)"] : []),
    ...(hidden || rows.length === 0 ? [] : [table(rows.map((row) => row.map((cell) => printable(cell ?? ""))))]),
    ...view.because.map(({ policy_id: id, reason }) => `why: ${id}${reason === "" ? "" : `: ${printable(reason)}`}`),
    `asked: ${view.approvers.join(", ")}; ${view.needed} of them until ${instantText(view.deadline, view.time_zone)}`,
    ...decisions.map(
      ({ approver, decision, decided_at: at, channel, method, comment }) =>
        `${decision}: ${approver} at ${at} (${channel}${method === undefined ? "" : `, ${method}`})${comment === "" ? "" : `: ${printable(comment)}`}`,
    ),
    ...acts.flatMap((act) =>
      act.kind === "question" || act.kind === "answer" ? [`${act.kind}: ${act.by}: ${printable(act.text)}`] : [],
    ),
    ...outcomes.map((outcome) => `${outcome.at} ${outcome.kind}${outcome.kind === "ran" ? ` ${outcome.status}` : ""}`),
    `status: ${state.kind}`,
  ];
}

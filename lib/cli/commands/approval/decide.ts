import type { Command } from "commander";
import type { Connection } from "../../../client/connection.js";
import { decide, decideSigned } from "../../../client/desk.js";
import { CountersignError } from "../../../errors.js";
import { viewHash } from "../../../run/hash.js";
import { type CommandContext, globalsOf, withConnection } from "../../context.js";
import { findApproval } from "./find.js";

interface Options {
  readonly code?: string;
  readonly approve?: boolean;
  readonly reject?: boolean;
  readonly confirm?: string;
  readonly comment?: string;
  readonly workflow?: string;
  readonly as?: string;
}

export function decideCommand(approval: Command, context: CommandContext): void {
  approval
    .command("decide")
    .description("decide, under the same rules as the page: with your AWS identity, or with link and code of the mail")
    .argument("<approval>", "an approval's id (ap_…), or the whole link from the mail")
    .option("--approve", "let exactly this action run")
    .option("--reject", "say no; needs --comment, which the agent gets as the reason")
    .option("--code <code>", "with a link: the code in the mail")
    .option("--confirm <text>", "what an irreversible action wants typed, e.g. 420.00")
    .option("--comment <text>", "for the record")
    .option("--workflow <workflow>", "with an id: of this workflow")
    .option("--as <email>", "with an id and --local: who you are; on AWS your session says it")
    .action(async (target: string, options: Options, command: Command) => {
      if (options.approve === options.reject)
        throw new CountersignError("CS-5006", "approval decide: give one of --approve and --reject");
      const fields = {
        decision: options.approve === true ? ("approve" as const) : ("reject" as const),
        ...(options.confirm === undefined ? {} : { confirmation: options.confirm }),
        ...(options.comment === undefined ? {} : { comment: options.comment }),
      };
      const say = (message: string) => context.io.out(globalsOf(command).json ? JSON.stringify({ message }) : message);
      if (!target.startsWith("ap_")) return say(await decide(target, { ...fields, code: codeOf(options) }));
      if (options.code !== undefined)
        throw new CountersignError("CS-5006", "--code: goes with a link; an id is decided with your AWS identity");
      await withConnection(command, context, { live: true }, async (connection) => {
        const question = await findApproval(connection, target, options.workflow);
        const { workflow, approvalId } = question.ref;
        const { ApiEndpoint: endpoint } = await connection.controlPlane();
        const client = clientOf(connection, options.as);
        // What was read just now is what is decided about, and nothing that came in between.
        const act = { ...fields, shown: viewHash(question.view) };
        say(await decideSigned({ endpoint, workflow, approvalId, client }, act));
      });
    });
}

function codeOf({ code }: Options): string {
  if (code !== undefined) return code;
  throw new CountersignError("CS-5006", "--code: missing; a link is decided with the code of its mail");
}

function clientOf(connection: Connection, as: string | undefined) {
  if (!connection.local) {
    if (as !== undefined)
      throw new CountersignError("CS-5006", "--as: goes with --local; on AWS you are who your session says");
    return connection.client("approver");
  }
  const client = as === undefined ? undefined : connection.approver(as);
  if (client !== undefined) return client;
  throw new CountersignError(
    "CS-5006",
    `--as: ${as === undefined ? "missing" : `'${as}' is no approver of a workflow here`}; say who decides, e.g. --as ana@example.com`,
  );
}

/** What `cdk.json` and `-c` say about a deployment, checked once. */
import type { Node } from "constructs";
import * as z from "zod";
import { CountersignError } from "../errors.js";

export interface Settings {
  /** part of every name and role path */
  readonly stage: string;
  /** `From:` of approval mails; its address or domain must be a verified SES identity */
  readonly mailFrom: string;
}

/** Without `-`, so that `countersign-<stage>-*` matches no other stage. */
const STAGE_FORM = /^[a-z][a-z0-9]{0,11}$/;
const stageList = z.array(z.string()).min(1);
const address = z.email().max(254);

/**
 * Reads `stage` (default `dev`), `stages` and `mailFrom` from the context of the app.
 * @throws CountersignError CS-1301, CS-1302
 */
export function readSettings(node: Node): Settings {
  const stages = stageList.safeParse(node.tryGetContext("stages"));
  if (!stages.success) {
    throw new CountersignError("CS-1301", 'cdk.json: context.stages is missing; list the stages, e.g. ["dev", "prod"]');
  }
  const misnamed = stages.data.find((name) => !STAGE_FORM.test(name));
  if (misnamed !== undefined) {
    throw new CountersignError(
      "CS-1301",
      `cdk.json: context.stages: ${JSON.stringify(misnamed)} is no stage name; use a-z and 0-9, at most 12, a letter first`,
    );
  }
  const stage = z
    .string()
    .default("dev")
    .safeParse(node.tryGetContext("stage") ?? undefined);
  if (!stage.success || !stages.data.includes(stage.data)) {
    const given = JSON.stringify(stage.success ? stage.data : node.tryGetContext("stage"));
    throw new CountersignError(
      "CS-1301",
      `context stage: ${given} is not allowed; use one of ${stages.data.join(", ")} (-c stage=${stages.data[0]}) or add it to context.stages in cdk.json`,
    );
  }
  const mailFrom = address.safeParse(node.tryGetContext("mailFrom"));
  if (!mailFrom.success) {
    throw new CountersignError(
      "CS-1302",
      `context mailFrom: ${JSON.stringify(node.tryGetContext("mailFrom"))} is no e-mail address; set the verified SES sender in cdk.json or with -c mailFrom=…`,
    );
  }
  return { stage: stage.data, mailFrom: mailFrom.data };
}

/** Approvers with an AWS identity: who signed the request is who they are, whatever the body says. */
import * as z from "zod";
import { Refusal } from "../../lib/approval/refusal.js";
import type { Who } from "../../lib/approval/who.js";
import { callerName, isSessionOf, personKey } from "../../lib/run/people.js";

const signedEvent = z.object({
  requestContext: z.object({ authorizer: z.object({ iam: z.object({ userArn: z.string().min(1) }) }) }),
});

/**
 * @param role name of the stage's approver role: whoever may call the API by another role chose that session's name freely
 * @throws Refusal CS-2129 when the API did not say who signed, or when it is no person's session of that role
 */
export function signedBy(event: unknown, role: string): Who {
  const signed = signedEvent.safeParse(event);
  const arn = signed.data?.requestContext.authorizer.iam.userArn;
  const approver = arn === undefined ? "" : personKey(callerName(arn));
  if (arn === undefined || !isSessionOf(arn, role) || !z.email().safeParse(approver).success)
    throw new Refusal(
      "CS-2129",
      403,
      "approver: the request is not signed by a person; take the approver role under a session named after your e-mail address",
    );
  return { approver, channel: "cli", method: "iam", subject: arn };
}

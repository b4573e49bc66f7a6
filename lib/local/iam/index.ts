import { AwsFault, type IamCheck, type IamDirectory } from "../types.js";
import { evaluateAccess } from "./evaluate.js";
import type { IamEnvironment } from "./keys.js";

export type { IamEnvironment } from "./keys.js";
export { createIamRoles, type IamRole, type IamRoles } from "./roles.js";

/**
 * The IAM check of the embedded cloud: AWS's documented evaluation logic over the synthesised policies. Explicit deny wins;
 * in one account an identity or a resource policy allows; what is not understood never leads to an allow.
 *
 * Not modelled: permission boundaries, session policies, organisation policies, principal and resource tags.
 */
export function createIamCheck(directory: IamDirectory, env: IamEnvironment): IamCheck {
  const evaluate: IamCheck["evaluate"] = (question) => {
    const identity = question.caller.service === undefined ? directory.policiesOf(question.caller.principalArn) : [];
    return evaluateAccess(question, identity, env);
  };
  return {
    evaluate,
    authorize(question) {
      const answer = evaluate(question);
      if (!answer.allowed) throw new AwsFault("AccessDeniedException", answer.message, 403);
    },
  };
}

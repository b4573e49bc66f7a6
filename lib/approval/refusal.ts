/** Why something was not done, with the HTTP status that says so. */

import type { ApprovalErrorCode } from "../errors/approval.js";
import { CountersignError } from "../errors.js";

export type RefusalStatus = 400 | 403 | 404 | 409 | 410 | 413 | 422 | 423 | 500;

export class Refusal extends CountersignError {
  constructor(
    code: ApprovalErrorCode,
    readonly status: RefusalStatus,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(code, message, details);
  }
}

/** Who is who: requesters are IAM ARNs, approvers are e-mail addresses. The one place that says when two names are one person. */

/** Mail addresses differ in case and spelling without being other people. */
export const personKey = (name: string): string => name.normalize("NFKC").trim().toLowerCase();

/** The name behind a caller's ARN: its session or user, which the account's administrator ties to a person. */
export const callerName = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);

/** Whether this is a session of the role. Its principal chose the session's name; only that role's trust policy binds it to a person. */
export const isSessionOf = (arn: string, role: string): boolean =>
  /^arn:[^:]+:sts::\d+:assumed-role\/([^/]+)\/[^/]+$/.exec(arn)?.[1] === role;

/**
 * Whether the signed caller is this approver: the same text, or a role session or user named after the address, as IAM Identity
 * Center names them (`…:assumed-role/Requester/ana@example.com`).
 */
export function isSamePerson(requester: string, approver: string): boolean {
  return [requester, callerName(requester)].some((candidate) => personKey(candidate) === personKey(approver));
}

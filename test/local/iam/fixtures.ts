import { createIamCheck } from "../../../lib/local/iam/index.js";
import type {
  AccessAnswer,
  AccessQuestion,
  Caller,
  PolicyDocument,
  PolicyStatement,
} from "../../../lib/local/types.js";

export const ACCOUNT = "111111111111";
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/countersign/dev/log-writer/gate`;
export const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/gate/session`;
export const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
export const TABLE = `arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/log`;
export const NOW = Date.parse("2026-11-20T10:00:00Z");
export const env = { accountId: ACCOUNT, region: "eu-west-1", now: () => NOW };

export const gate: Caller = { principalArn: ROLE, sessionArn: SESSION, accountId: ACCOUNT };
export const events: Caller = {
  principalArn: "events.amazonaws.com",
  sessionArn: "events.amazonaws.com",
  accountId: ACCOUNT,
  service: "events.amazonaws.com",
  sourceArn: `arn:aws:events:eu-west-1:${ACCOUNT}:rule/close-run`,
};

export function policy(...Statement: readonly PolicyStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement };
}
export const ALLOW_ALL = policy({ Effect: "Allow", Action: "*", Resource: "*" });

export interface Case extends Partial<AccessQuestion> {
  readonly identity?: readonly PolicyDocument[];
}

/** Asks with defaults: the gate wants to get an item of the log table. */
export function ask({ identity, ...question }: Case): AccessAnswer {
  const check = createIamCheck({ policiesOf: (arn) => (arn === ROLE ? (identity ?? []) : undefined) }, env);
  return check.evaluate({ caller: gate, action: "dynamodb:GetItem", resource: TABLE, ...question });
}
export function allows(question: Case): boolean {
  return ask(question).allowed;
}

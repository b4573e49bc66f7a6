/** The Slack workspace of a session: its members are whom the contracts name, and one whom none does. */
import { randomBytes } from "node:crypto";
import type { Contract } from "../contract/model.js";
import { SlackWorkspace } from "../local/slack/workspace.js";
import { SLACK_HOST, SLACK_SECRETS } from "../slack/secrets.js";

export interface SlackMember {
  readonly id: string;
  /** e-mail address */
  readonly name: string;
}
export interface LocalSlack {
  readonly workspace: SlackWorkspace;
  readonly members: readonly SlackMember[];
  /** for the local Secrets Manager: as a person would put them in on AWS */
  readonly secrets: Readonly<Record<string, string>>;
  /** what a function is given that talks to Slack */
  hostsFor(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
}

/** Whom no contract names: what they press is refused, and can be seen to be. */
const STRANGER: SlackMember = { id: "U0STRANGER", name: "somebody else" };

export async function startLocalSlack(
  contracts: readonly Contract[],
  stage: string,
  endpoint: () => string,
  now: () => number,
): Promise<LocalSlack> {
  // Nobody has to know them: new ones with every start.
  const [signingSecret, botToken] = [randomBytes(16).toString("hex"), `xoxb-local-${randomBytes(16).toString("hex")}`];
  const interactions = () => `${endpoint()}/slack/interactions`;
  const workspace = await SlackWorkspace.start({ botToken, signingSecret, interactions, now });
  const members = new Map(
    contracts.flatMap(({ approvers }) => Object.entries(approvers.slack.users).map(([name, id]) => [id, { id, name }])),
  );
  return {
    workspace,
    members: [...members.values(), STRANGER],
    secrets: {
      [`countersign/${stage}/${SLACK_SECRETS.signing}`]: signingSecret,
      [`countersign/${stage}/${SLACK_SECRETS.botToken}`]: botToken,
    },
    hostsFor: ({ SLACK_HOST: host }): Record<string, string> =>
      host === undefined ? {} : { COUNTERSIGN_LOCAL_HOSTS: JSON.stringify({ [SLACK_HOST]: workspace.url }) },
  };
}

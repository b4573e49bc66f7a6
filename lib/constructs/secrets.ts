/** The secrets that tools name. They are empty until a person puts a value in: no code of ours ever sees one being set. */
import { ArnFormat, Stack } from "aws-cdk-lib";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { Contract } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import { SLACK_HOST, SLACK_SECRETS } from "../slack/secrets.js";
import { acknowledge } from "./findings.js";
import type { Permission } from "./permissions.js";
import type { Grantee } from "./zone-function.js";

export const secretPrefix = (stage: string): string => `countersign/${stage}/`;

/** Of the stage itself: a tool that names one of them would talk as the bot, or sign as Slack. */
const RESERVED: readonly string[] = Object.values(SLACK_SECRETS);

/**
 * Names of the secrets of these workflows, each once: two tools, and two workflows, may use the same account.
 * @throws CountersignError CS-1311
 */
export function secretNames(contracts: readonly Contract[]): string[] {
  const named = contracts.flatMap(({ name, agent, tools }) => {
    const own = [...tools.flatMap((tool) => tool.secrets), ...(agent.kind === "lambda" ? agent.secrets : [])];
    const reserved = own.find((secret) => RESERVED.includes(secret));
    if (reserved !== undefined)
      throw new CountersignError(
        "CS-1311",
        `${name}: the secret ${JSON.stringify(reserved)} is the stage's own, for approvals in Slack; give the tool's secret another name`,
      );
    return own;
  });
  return [...new Set(named)].sort();
}

/** What a function needs to talk to Slack: these secrets of the stage, and where Slack is. */
export function grantSlack(
  grantee: Grantee & Construct,
  stage: string,
  secrets: readonly (typeof SLACK_SECRETS)[keyof typeof SLACK_SECRETS][],
): void {
  const environment = { SLACK_HOST, SECRET_PREFIX: secretPrefix(stage) };
  grantee.provide(environment, ...readSecrets(grantee, stage, secrets));
}

export interface SecretsProps {
  readonly stage: string;
  readonly names: readonly string[];
}

export class Secrets extends Construct {
  constructor(scope: Construct, id: string, props: SecretsProps) {
    super(scope, id);
    for (const name of props.names) {
      const secret = new secretsmanager.CfnSecret(this, name, {
        name: `${secretPrefix(props.stage)}${name}`,
        description: "set by a person after the first deployment",
      });
      acknowledge(
        secret,
        "AwsSolutions-SMG4",
        "an outside system issues the value and rotates it there; a person puts the new one in",
      );
    }
  }
}

/** Reads exactly these secrets. */
export function readSecrets(scope: Construct, stage: string, names: readonly string[]): Permission[] {
  if (names.length === 0) return [];
  return [
    {
      sid: "ReadOwnSecrets",
      actions: ["secretsmanager:GetSecretValue"],
      // Secrets Manager ends every ARN in six random characters.
      resources: names.map((name) =>
        Stack.of(scope).formatArn({
          service: "secretsmanager",
          resource: "secret",
          resourceName: `${secretPrefix(stage)}${name}-??????`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ),
    },
  ];
}

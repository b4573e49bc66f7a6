/** The secrets that tools name. They are empty until a person puts a value in: no code of ours ever sees one being set. */
import { ArnFormat, Stack } from "aws-cdk-lib";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { Contract } from "../contract/model.js";
import { acknowledge } from "./findings.js";
import type { Permission } from "./permissions.js";

export const secretPrefix = (stage: string): string => `countersign/${stage}/`;

/** Names of the secrets of these workflows, each once: two tools, and two workflows, may use the same account. */
export function secretNames(contracts: readonly Contract[]): string[] {
  const named = contracts.flatMap(({ agent, tools }) => [
    ...tools.flatMap((tool) => tool.secrets),
    ...(agent.kind === "lambda" ? agent.secrets : []),
  ]);
  return [...new Set(named)].sort();
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

/** One function of one trust zone: its own role, log group and environment, and nothing that was not granted by hand. */
import { type Duration, RemovalPolicy, Stack, Token } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type * as z from "zod";
import { CountersignError } from "../errors.js";
import { acknowledgeGuard } from "./findings.js";
import { rolePath, type Zone } from "./names.js";
import { type Permission, permit } from "./permissions.js";

export interface ZoneFunctionProps<S extends z.ZodObject> {
  readonly stage: string;
  readonly zone: Zone;
  readonly functionName: string;
  readonly description: string;
  /** folder with `index.mjs` */
  readonly code: string;
  /** KMS key that the log group is sealed with */
  readonly logKeyArn: string;
  /** what the handler reads; a synth fails unless the environment fits it exactly */
  readonly environment: S;
  /** the part of the environment that comes without a permission */
  readonly settings: Partial<Record<keyof z.input<S> & string, string>>;
  readonly timeout: Duration;
  /** @default 512 */
  readonly memorySizeMb?: number;
}

/** What a grant gives: a permission and the environment that goes with it. */
export interface Grantee {
  provide(environment: Readonly<Record<string, string>>, ...permissions: readonly Permission[]): void;
}

export class ZoneFunction<S extends z.ZodObject = z.ZodObject> extends Construct implements Grantee {
  readonly function: lambda.Function;
  readonly role: iam.Role;
  private readonly environment = new Map<string, string>();

  constructor(scope: Construct, id: string, props: ZoneFunctionProps<S>) {
    super(scope, id);
    const logGroup = new logs.LogGroup(this, "Logs", {
      encryptionKey: kms.Key.fromKeyArn(this, "LogKey", props.logKeyArn),
      retention: logs.RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, "Role", {
      path: rolePath(props.stage, props.zone),
      assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
      description: props.description,
    });
    permit(this.role, {
      sid: "WriteOwnLogs",
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [logGroup.logGroupArn],
    });
    this.function = new lambda.Function(this, "Function", {
      functionName: props.functionName,
      description: props.description,
      role: this.role,
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: "index.handler",
      code: lambda.Code.fromAsset(props.code),
      timeout: props.timeout,
      memorySize: props.memorySizeMb ?? 512,
    });
    acknowledgeGuard(
      logGroup,
      "cloudwatch_log_group_encrypted_check",
      "sealed with the control plane's data key, whose ARN is imported: the rule follows references of one template only",
    );
    acknowledgeGuard(
      this.function,
      "lambda_inside_vpc_check",
      "it talks to AWS's public endpoints and to the contract's hosts, with IAM and TLS as its borders; a network would add none",
    );
    this.provide(settingsOf(props.settings));
    this.node.addValidation({
      validate: () =>
        misfits(this.environment, props.environment).map((text) => `CS-1304 ${props.functionName}: ${text}`),
    });
  }

  get functionArn(): string {
    return this.function.functionArn;
  }

  /**
   * Adds environment and permissions together.
   * @throws CountersignError CS-1309 when another grant set one of the names to another value
   */
  provide(environment: Readonly<Record<string, string>>, ...permissions: readonly Permission[]): void {
    for (const [name, value] of Object.entries(environment)) {
      const known = this.environment.get(name);
      if (known !== undefined && known !== value) {
        throw new CountersignError("CS-1309", `${this.node.path}: ${name} is set twice, to different values`);
      }
      this.environment.set(name, value);
      this.function.addEnvironment(name, value);
    }
    for (const permission of permissions) permit(this.role, permission);
  }
}

function settingsOf(settings: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/** Names the handler needs and does not get, gets and does not know, and values its schema refuses. */
function misfits(environment: ReadonlyMap<string, string>, schema: z.ZodObject): string[] {
  const unknown = [...environment.keys()].filter((name) => !Object.hasOwn(schema.shape, name));
  // CloudFormation fills tokens in: only that they are there can be checked now.
  const parsed = schema.safeParse(Object.fromEntries(environment));
  const wrong = parsed.success
    ? []
    : parsed.error.issues
        .map((issue) => String(issue.path[0]))
        .filter((name) => !Token.isUnresolved(environment.get(name) ?? ""));
  return [
    ...unknown.map((name) => `environment ${name} is set, but its handler does not read it; see lib/aws/env.ts`),
    ...[...new Set(wrong)].map((name) => `environment ${name} is missing or wrong; see lib/aws/env.ts`),
  ];
}

/** The workflow's functions on in-process clients: what each `handler.ts` does from the environment, from the template's environment. */
import { randomBytes } from "node:crypto";
import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { VerifiedPermissionsClient } from "@aws-sdk/client-verifiedpermissions";
import { handle as honoHandler } from "hono/aws-lambda";
import * as z from "zod";
import { createHandler as createAdmit } from "../../../lambdas/admit/serve.js";
import { createApp } from "../../../lambdas/approval-desk/app.js";
import { createHandler as createSender } from "../../../lambdas/approval-sender/serve.js";
import { createHandler as createCloseRun } from "../../../lambdas/close-run/serve.js";
import { createHandler as createGate } from "../../../lambdas/decide/serve.js";
import { createHandler as createPreview } from "../../../lambdas/preview/serve.js";
import { converseAgent } from "../../../lambdas/propose/converse.js";
import { createHandler as createProposer } from "../../../lambdas/propose/shell.js";
import { createHandler as createRequestApproval } from "../../../lambdas/request-approval/serve.js";
import { agentOfKind, deployedHashes, toolNamed } from "../../../lambdas/shared/contract.js";
import { createHandler as createTool } from "../../../lambdas/tool/serve.js";
import { newCode } from "../../../lib/approval/code.js";
import { openedApprovals } from "../../../lib/approval/opened.js";
import { dynamoApprovals } from "../../../lib/aws/approvals.js";
import { verifiedPermissions } from "../../../lib/aws/authorizer.js";
import { dynamoBudgets } from "../../../lib/aws/budgets.js";
import { s3CallStore } from "../../../lib/aws/call-store.js";
import { s3ContextStore } from "../../../lib/aws/context-store.js";
import { dynamoControl } from "../../../lib/aws/control.js";
import { dynamoEffects, type Effects } from "../../../lib/aws/effects.js";
import * as envs from "../../../lib/aws/env.js";
import { sfnExecutions } from "../../../lib/aws/executions.js";
import { sesMailer } from "../../../lib/aws/mailer.js";
import { lambdaPreviews } from "../../../lib/aws/previews.js";
import { dynamoRunLog } from "../../../lib/aws/run-log.js";
import { schedulerSchedules } from "../../../lib/aws/schedules.js";
import { awsSecrets } from "../../../lib/aws/secrets.js";
import { kmsTokenSealer, sfnTokenAnswerer } from "../../../lib/aws/task-tokens.js";
import { s3Vault } from "../../../lib/aws/vault.js";
import { s3ViewStore } from "../../../lib/aws/view-store.js";
import { toolSchemaHashes } from "../../../lib/contract/hash.js";
import type { Contract } from "../../../lib/contract/model.js";
import type { FunctionConfiguration } from "../../../lib/local/lambda/configuration.js";
import type { Runner } from "../../../lib/local/lambda/engine.js";
import { parseLocalHosts } from "../../../lib/tool/hosts.js";
import { teamFunction } from "../../../lib/tool/team.js";
import { directly } from "./direct.js";
import * as look from "./fixtures/workflows/fault-lab/tools/book.look.js";
import * as once from "./fixtures/workflows/fault-lab/tools/book.post-once.js";
import * as withKey from "./fixtures/workflows/fault-lab/tools/book.post-with-key.js";
import * as withLookup from "./fixtures/workflows/fault-lab/tools/book.post-with-lookup.js";
import * as previews from "./fixtures/workflows/fault-lab/tools/book.preview.js";
import { directClient, type Environment, type Handler, runHere } from "./host.js";
import type { HostFactory, HostParts } from "./lab.js";

/** A client of each service whose requests the function's role makes, straight to the engines. */
function clientsOf({ faults, cloud }: HostParts, environment: Environment, roleArn: string) {
  const accountId = roleArn.split(":")[4] ?? "";
  const roleName = roleArn.slice(roleArn.lastIndexOf("/") + 1);
  const sessionArn = `arn:aws:sts::${accountId}:assumed-role/${roleName}/${environment.functionName}`;
  const caller = { principalArn: roleArn, sessionArn, accountId };
  const engine = (service: string) => cloud().engine(service);
  const parts = { environment, caller, faults, engine };
  const options = (service: string) => directClient(service, parts);
  const direct = <C extends object>(service: string, client: C) => directly(service, client, parts);
  const once = <T>(make: () => T) => {
    let made: { readonly client: T } | undefined;
    return () => {
      made ??= { client: make() };
      return made.client;
    };
  };
  const lazy = {
    dynamo: once(() => direct("dynamodb", new DynamoDBClient(options("dynamodb")))),
    s3: once(() => direct("s3", new S3Client(options("s3")))),
    kms: once(() => direct("kms", new KMSClient(options("kms")))),
    lambda: once(() => new LambdaClient(options("lambda"))),
    states: once(() => direct("states", new SFNClient(options("states")))),
    ses: once(() => new SESv2Client(options("ses"))),
    scheduler: once(() => new SchedulerClient(options("scheduler"))),
    secrets: once(() => direct("secretsmanager", new SecretsManagerClient(options("secretsmanager")))),
    policies: once(() => direct("verifiedpermissions", new VerifiedPermissionsClient(options("verifiedpermissions")))),
    bedrock: once(() => new BedrockRuntimeClient(options("bedrock"))),
  };
  return {
    get dynamo() {
      return lazy.dynamo();
    },
    get s3() {
      return lazy.s3();
    },
    get kms() {
      return lazy.kms();
    },
    get scheduler() {
      return lazy.scheduler();
    },
    get lambda() {
      return lazy.lambda();
    },
    get states() {
      return lazy.states();
    },
    get ses() {
      return lazy.ses();
    },
    get secrets() {
      return lazy.secrets();
    },
    get policies() {
      return lazy.policies();
    },
    get bedrock() {
      return lazy.bedrock();
    },
  };
}
type Clients = ReturnType<typeof clientsOf>;
type Variables = Readonly<Record<string, string>>;

/** What the functions of one workflow share. */
interface Shared {
  readonly contract: Contract;
  readonly nowMs: () => number;
  readonly ledger: Ledger;
}
/** Changes the tools' ledger: a test that must fail breaks it. */
type Ledger = (effects: Effects) => Effects;

const TOOLS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "book.look": look,
  "book.post_with_key": withKey,
  "book.post_with_lookup": withLookup,
  "book.post_once": once,
};

function admit({ contract, nowMs }: Shared, variables: Variables, { dynamo, s3, states }: Clients): Handler {
  const env = envs.readEnv(envs.admitEnv, variables);
  let count = 0;
  return createAdmit({
    contract,
    stage: env.STAGE,
    hashes: deployedHashes(toolSchemaHashes(contract), env),
    log: dynamoRunLog({ client: dynamo, table: env.RUN_LOG_TABLE }),
    vault: s3Vault({ client: s3, bucket: env.VAULT_BUCKET }),
    control: dynamoControl({ client: dynamo, table: env.CONTROL_TABLE }),
    contexts: s3ContextStore({ client: s3, bucket: env.CONTEXT_BUCKET }),
    budgets: dynamoBudgets({ client: dynamo, table: env.BUDGETS_TABLE }, env.WORKFLOW),
    executions: sfnExecutions(states, env.STATE_MACHINE_ARN),
    nowMs,
    newSuffix(now) {
      count += 1;
      return `${now}${count}`;
    },
  });
}

function gate({ contract, nowMs }: Shared, variables: Variables, clients: Clients): Handler {
  const { dynamo, s3 } = clients;
  const env = envs.readEnv(envs.decideEnv, variables);
  return createGate({
    contract,
    stage: env.STAGE,
    hashes: deployedHashes(toolSchemaHashes(contract), env),
    log: dynamoRunLog({ client: dynamo, table: env.RUN_LOG_TABLE }),
    vault: s3Vault({ client: s3, bucket: env.VAULT_BUCKET }),
    control: dynamoControl({ client: dynamo, table: env.CONTROL_TABLE }),
    contexts: s3ContextStore({ client: s3, bucket: env.CONTEXT_BUCKET }),
    calls: s3CallStore({ client: s3, bucket: env.CONTEXT_BUCKET }),
    views: s3ViewStore({ client: s3, bucket: env.CONTEXT_BUCKET }),
    effects: dynamoEffects({ client: dynamo, table: env.EFFECTS_TABLE }),
    approvals: dynamoApprovals({ client: dynamo, table: env.APPROVALS_TABLE }),
    budgets: dynamoBudgets({ client: dynamo, table: env.BUDGETS_TABLE }, env.WORKFLOW),
    previews: lambdaPreviews(clients.lambda, env.PREVIEW_FUNCTION_PREFIX),
    authorizer: verifiedPermissions(clients.policies, env.POLICY_STORE_ID),
    nowMs,
  });
}

function closeRun({ contract, nowMs }: Shared, variables: Variables, { dynamo, s3, states }: Clients): Handler {
  const env = envs.readEnv(envs.closeRunEnv, variables);
  return createCloseRun({
    contract,
    log: dynamoRunLog({ client: dynamo, table: env.RUN_LOG_TABLE }),
    vault: s3Vault({ client: s3, bucket: env.VAULT_BUCKET }),
    effects: dynamoEffects({ client: dynamo, table: env.EFFECTS_TABLE }),
    approvals: dynamoApprovals({ client: dynamo, table: env.APPROVALS_TABLE }),
    budgets: dynamoBudgets({ client: dynamo, table: env.BUDGETS_TABLE }, env.WORKFLOW),
    executions: sfnExecutions(states, env.STATE_MACHINE_ARN),
    nowMs,
  });
}

function propose({ contract, nowMs }: Shared, variables: Variables, { s3, bedrock }: Clients): Handler {
  const env = envs.readEnv(envs.proposeEnv, variables);
  return createProposer({
    workflow: env.WORKFLOW,
    contexts: s3ContextStore({ client: s3, bucket: env.CONTEXT_BUCKET }),
    agent: converseAgent(bedrock, contract, agentOfKind(contract, "bedrock"), "Enter the order's amount in the book."),
    nowMs,
  });
}

function requestApproval({ nowMs }: Shared, variables: Variables, { dynamo, kms, ses, scheduler }: Clients): Handler {
  const env = envs.readEnv(envs.requestApprovalEnv, variables);
  return createRequestApproval({
    workflow: env.WORKFLOW,
    deskUrl: env.DESK_URL.replace(/\/$/, ""),
    approvals: dynamoApprovals({ client: dynamo, table: env.APPROVALS_TABLE }),
    sealer: kmsTokenSealer(kms, env.TOKEN_KEY_ARN),
    mailer: sesMailer(ses, env.MAIL_FROM),
    schedules: schedulerSchedules(scheduler, {
      group: env.SCHEDULE_GROUP,
      targetArn: env.SENDER_ARN,
      roleArn: env.SCHEDULE_ROLE_ARN,
    }),
    nowMs,
    newLink,
  });
}

function sender({ nowMs }: Shared, variables: Variables, { dynamo, kms, states, ses }: Clients): Handler {
  const env = envs.readEnv(envs.approvalSenderEnv, variables);
  return createSender({
    stage: env.STAGE,
    deskUrl: env.DESK_URL.replace(/\/$/, ""),
    approvals: dynamoApprovals({ client: dynamo, table: env.APPROVALS_TABLE }),
    tokens: sfnTokenAnswerer(kms, env.TOKEN_KEY_ARN, states),
    mailer: sesMailer(ses, env.MAIL_FROM),
    nowMs,
    newLink,
  });
}

const newLink = () => ({
  linkId: randomBytes(24).toString("base64url"),
  code: newCode(),
  salt: randomBytes(16).toString("hex"),
});

function desk({ nowMs }: Shared, variables: Variables, { dynamo, s3 }: Clients): Handler {
  const env = envs.readEnv(envs.approvalDeskEnv, variables);
  const handle = honoHandler(
    createApp({
      stage: env.STAGE,
      approverRole: env.APPROVER_ROLE,
      approvals: openedApprovals(
        dynamoApprovals({ client: dynamo, table: env.APPROVALS_TABLE }),
        s3ViewStore({ client: s3, bucket: env.CONTEXT_BUCKET }),
      ),
      control: dynamoControl({ client: dynamo, table: env.CONTROL_TABLE }),
      nowMs,
    }),
  );
  const httpEvent = z.custom<Parameters<typeof handle>[0]>((value) => typeof value === "object" && value !== null);
  return async (event) => handle(httpEvent.parse(event));
}

function tool({ contract, nowMs, ledger }: Shared, variables: Variables, { dynamo, s3, secrets }: Clients): Handler {
  const env = envs.readEnv(envs.toolEnv, variables);
  const definition = toolNamed(contract, env.TOOL);
  return createTool({
    workflow: env.WORKFLOW,
    tool: definition,
    handle: teamFunction(TOOLS[env.TOOL] ?? {}, "handle", definition.handler),
    log: dynamoRunLog({ client: dynamo, table: env.RUN_LOG_TABLE }),
    control: dynamoControl({ client: dynamo, table: env.CONTROL_TABLE }),
    effects: ledger(dynamoEffects({ client: dynamo, table: env.EFFECTS_TABLE })),
    calls: s3CallStore({ client: s3, bucket: env.CONTEXT_BUCKET }),
    secret: awsSecrets(secrets, env.SECRET_PREFIX, nowMs).read,
    local: parseLocalHosts(env.COUNTERSIGN_LOCAL_HOSTS),
    nowMs,
  });
}

function preview({ contract, nowMs }: Shared, variables: Variables, { secrets }: Clients): Handler {
  const env = envs.readEnv(envs.previewEnv, variables);
  const definition = toolNamed(contract, env.TOOL);
  return createPreview({
    tool: definition,
    preview: teamFunction({ ...previews }, "preview", definition.handler),
    secret: awsSecrets(secrets, env.SECRET_PREFIX, nowMs).read,
    local: parseLocalHosts(env.COUNTERSIGN_LOCAL_HOSTS),
  });
}

/** By the end of the function's name. */
const MAKERS: readonly (readonly [RegExp, typeof admit])[] = [
  [/-admit$/, admit],
  [/-decide$/, gate],
  [/-close-run$/, closeRun],
  [/-propose$/, propose],
  [/-request-approval$/, requestApproval],
  [/-approval-desk$/, desk],
  [/-approval-sender$/, sender],
  [/-tool-/, tool],
  [/-preview-/, preview],
];

/** All functions in this process. */
export const hostHere: HostFactory = hostWith((effects) => effects);

export function hostWith(ledger: Ledger): HostFactory {
  return (parts) => (configuration) => runner(parts, configuration, ledger);
}

function runner(parts: HostParts, configuration: FunctionConfiguration, ledger: Ledger): Runner | undefined {
  const { name, roleArn } = configuration;
  const make = MAKERS.find(([pattern]) => pattern.test(name))?.[1];
  if (make === undefined) return undefined;
  const shared = { contract: parts.contract, nowMs: () => parts.clock.now(), ledger };
  const variables = { ...configuration.environment, COUNTERSIGN_LOCAL_HOSTS: parts.hosts };
  return runHere(name, (environment) => make(shared, variables, clientsOf(parts, environment, roleArn)));
}

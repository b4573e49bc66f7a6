import * as z from "zod";
import { CountersignError } from "../../errors.js";
import { type InertProperties, parseProperties } from "../services/support/properties.js";
import type { ResourceRequest } from "../types.js";

/** One function as its resource describes it. */
export interface FunctionConfiguration {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** `<file>.<export>` */
  readonly handler: string;
  /** the folder with its code, as `cdk deploy` would zip it */
  readonly codeFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly logGroup: string;
  /** `ReservedConcurrentExecutions`: more are throttled */
  readonly reservedConcurrency?: number;
}

const MAX_ENVIRONMENT_BYTES = 4096;

const FunctionProperties = z.strictObject({
  FunctionName: z.string().max(64).optional(),
  Code: z.strictObject({ S3Bucket: z.string(), S3Key: z.string() }),
  Handler: z.string().regex(/^[^.]+(\.[^.]+)+$/, "must be <file>.<export>"),
  Role: z.string().startsWith("arn:"),
  // Whatever Node.js version runs the cloud runs the function.
  Runtime: z.string().regex(/^nodejs\d+\.x$/, "only Node.js runtimes run here"),
  Timeout: z.number().int().min(1).max(900).default(3),
  MemorySize: z.number().int().min(128).max(10_240).default(128),
  Environment: z.strictObject({ Variables: z.record(z.string(), z.string()).default({}) }).default({ Variables: {} }),
  ReservedConcurrentExecutions: z.number().int().min(0).optional(),
  // Format and levels are the business of CloudWatch; functions print into files here.
  LoggingConfig: z
    .strictObject({
      LogGroup: z.string().optional(),
      LogFormat: z.enum(["Text", "JSON"]).optional(),
      ApplicationLogLevel: z.string().optional(),
      SystemLogLevel: z.string().optional(),
    })
    .optional(),
});
const INERT: InertProperties = {
  Architectures: "the processor is this machine's",
  Description: "for people",
  KmsKeyArn: "encrypts the environment in AWS's own store",
  Tags: "for people and bills",
  TracingConfig: "no traces are kept",
};

/** Names that Lambda sets itself and refuses in a function's environment. */
const RESERVED =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|LAMBDA_.*|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR)$/;

export interface Where {
  readonly region: string;
  readonly accountId: string;
  assetFolder(bucket: string, key: string): string;
}

/** @throws CountersignError CS-4030 for what is not modelled, CS-1213 for what Lambda would refuse */
export function functionConfiguration(request: ResourceRequest, where: Where): FunctionConfiguration {
  const properties = parseProperties(request, FunctionProperties, INERT);
  const name = properties.FunctionName ?? request.defaultName;
  const environment = properties.Environment.Variables;
  const refuse = (problem: string) =>
    new CountersignError(
      "CS-1213",
      `${request.stackName}/${request.logicalId} Properties.Environment.Variables: ${problem}`,
    );
  const reserved = Object.keys(environment).filter((key) => RESERVED.test(key));
  if (reserved.length > 0) throw refuse(`${reserved.join(", ")} are set by Lambda itself; choose other names`);
  const sizeBytes = Object.entries(environment).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (sizeBytes > MAX_ENVIRONMENT_BYTES) throw refuse(`${sizeBytes} bytes; Lambda allows ${MAX_ENVIRONMENT_BYTES}`);
  return {
    name,
    arn: `arn:aws:lambda:${where.region}:${where.accountId}:function:${name}`,
    roleArn: properties.Role,
    handler: properties.Handler,
    codeFolder: where.assetFolder(properties.Code.S3Bucket, properties.Code.S3Key),
    environment,
    timeoutMs: properties.Timeout * 1000,
    memoryMb: properties.MemorySize,
    logGroup: properties.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`,
    ...(properties.ReservedConcurrentExecutions === undefined
      ? {}
      : { reservedConcurrency: properties.ReservedConcurrentExecutions }),
  };
}

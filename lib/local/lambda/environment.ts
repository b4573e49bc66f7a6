import type { Credentials } from "../wire/sessions.js";
import type { FunctionConfiguration } from "./configuration.js";

export interface EnvironmentInputs {
  readonly configuration: FunctionConfiguration;
  readonly credentials: Credentials;
  readonly region: string;
  /** the wire */
  readonly endpoint: string;
  readonly taskRoot: string;
  /** what the cloud's caller adds for this machine, e.g. sandbox hosts */
  readonly extra: Readonly<Record<string, string>>;
}

/** The whole environment of a function's child: nothing of this process's own leaks into it. */
export function childEnvironment(inputs: EnvironmentInputs): Record<string, string> {
  const { configuration, credentials, region, endpoint, taskRoot, extra } = inputs;
  return {
    ...configuration.environment,
    ...extra,
    _HANDLER: configuration.handler,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split(".")[0] ?? ""}.x`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memoryMb),
    AWS_LAMBDA_FUNCTION_NAME: configuration.name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: `local/${configuration.name}`,
    AWS_REGION: region,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    LAMBDA_TASK_ROOT: taskRoot,
    TZ: ":UTC",
  };
}

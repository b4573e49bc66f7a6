import type { ConverseModel } from "./services/bedrock.js";
import { createBedrockEngine } from "./services/bedrock.js";
import { createKmsEngine } from "./services/kms.js";
import { createSecretsEngine } from "./services/secretsmanager.js";
import { createSesEngine } from "./services/ses.js";
import { createVerifiedPermissionsEngine } from "./services/verifiedpermissions.js";
import type { CloudContext, Engine } from "./types.js";

export interface DataEngineOptions {
  /** answers Bedrock's `Converse`; without it the cloud has no Bedrock */
  readonly model?: ConverseModel;
  /** values of secrets by name; kept in memory only */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The engines of the services that hold data, each by its name, for callers in this process. */
export interface DataEngines {
  readonly kms: ReturnType<typeof createKmsEngine>;
  readonly secretsManager: ReturnType<typeof createSecretsEngine>;
  readonly ses: ReturnType<typeof createSesEngine>;
  readonly verifiedPermissions: Engine;
  /** absent without a model */
  readonly bedrock?: Engine;
}

export function createDataEngines(context: CloudContext, options: DataEngineOptions): DataEngines {
  const kms = createKmsEngine(context);
  return {
    kms,
    secretsManager: createSecretsEngine(context, { keys: kms.keys, ...(options.secrets ? { secrets: options.secrets } : {}) }),
    ses: createSesEngine(context),
    verifiedPermissions: createVerifiedPermissionsEngine(context),
    ...(options.model === undefined ? {} : { bedrock: createBedrockEngine(context, options.model) }),
  };
}

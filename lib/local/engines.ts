import type { ConverseModel } from "./services/bedrock.js";
import { createBedrockEngine } from "./services/bedrock.js";
import { createKmsEngine } from "./services/kms.js";
import { createVerifiedPermissionsEngine } from "./services/verifiedpermissions.js";
import type { CloudContext, Engine } from "./types.js";

/** The engines of the data services, each by its name, for callers in this process. */
export interface DataEngines {
  readonly kms: ReturnType<typeof createKmsEngine>;
  readonly verifiedPermissions: Engine;
  /** absent without a model: nothing answers `Converse` then */
  readonly bedrock?: Engine;
}

export function createDataEngines(context: CloudContext, model: ConverseModel | undefined): DataEngines {
  return {
    kms: createKmsEngine(context),
    verifiedPermissions: createVerifiedPermissionsEngine(context),
    ...(model === undefined ? {} : { bedrock: createBedrockEngine(context, model) }),
  };
}

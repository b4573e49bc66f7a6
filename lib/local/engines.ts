import { createDynamoDbEngine } from "./dynamodb/index.js";
import type { Streams } from "./dynamodb/streams.js";
import { type ConverseModel, createBedrockEngine } from "./services/bedrock.js";
import { createKmsEngine } from "./services/kms.js";
import { createS3Engine } from "./services/s3.js";
import { createSecretsEngine } from "./services/secretsmanager.js";
import { createSesEngine } from "./services/ses.js";
import { createVerifiedPermissionsEngine } from "./services/verifiedpermissions.js";
import { createStatesEngine, type StatesEngine } from "./states/engine.js";
import type { CloudContext, Engine } from "./types.js";

export interface EngineOptions {
  /** answers Bedrock's `Converse`; without it the cloud has no Bedrock */
  readonly model?: ConverseModel;
  /** values of secrets by name; kept in memory only */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The engines of the services, each by its name, for callers in this process. */
export interface Engines {
  readonly states: StatesEngine;
  readonly dynamoDb: Engine;
  readonly kms: ReturnType<typeof createKmsEngine>;
  readonly s3: Engine;
  readonly secretsManager: ReturnType<typeof createSecretsEngine>;
  readonly ses: ReturnType<typeof createSesEngine>;
  readonly verifiedPermissions: Engine;
  /** absent without a model */
  readonly bedrock?: Engine;
}

/** @throws CountersignError of an engine whose stored data is damaged or in use */
export async function createEngines(context: CloudContext, options: EngineOptions, streams: Streams): Promise<Engines> {
  const dynamoDb = await createDynamoDbEngine(context, { streams });
  const kms = createKmsEngine(context);
  return {
    states: createStatesEngine(context),
    dynamoDb,
    kms,
    s3: createS3Engine(context, { keys: kms.keys }),
    secretsManager: createSecretsEngine(context, {
      keys: kms.keys,
      ...(options.secrets ? { secrets: options.secrets } : {}),
    }),
    ses: createSesEngine(context),
    verifiedPermissions: createVerifiedPermissionsEngine(context),
    ...(options.model === undefined ? {} : { bedrock: createBedrockEngine(context, options.model) }),
  };
}

/** Reads what a stopped local cloud left behind: the same cloud on the same data, on a port of its own, for the length of a command. */
import { existsSync } from "node:fs";
import { type PeopleRole, ROLE_OUTPUTS } from "../client/connection.js";
import { CountersignError } from "../errors.js";
import { startCloud } from "../local/cloud.js";
import type { Credentials } from "../local/wire/sessions.js";

export interface StoppedCloud {
  client(role: PeopleRole): {
    readonly region: string;
    readonly endpoint: string;
    readonly credentials: Credentials;
  };
  close(): Promise<void>;
}

export async function openStopped(options: {
  readonly assembly: string;
  readonly dataDir: string;
  readonly stage: string;
}): Promise<StoppedCloud> {
  if (!existsSync(options.assembly))
    throw new CountersignError(
      "CS-5004",
      `${options.assembly}: the synthesised template is gone; run \`npm start\` or \`npx cdk synth\` once`,
    );
  const cloud = await startCloud({ assembly: options.assembly, dataDir: options.dataDir, schedules: false });
  const outputs = cloud.outputs(`countersign-${options.stage}`);
  return {
    client: (role) => ({
      region: cloud.context.region,
      endpoint: cloud.endpoint,
      credentials: cloud.credentialsFor(outputs[ROLE_OUTPUTS[role]] ?? "", "cli"),
    }),
    close: () => cloud.close(),
  };
}

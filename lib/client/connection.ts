/** A deployment as its clients see it: names from its stacks' outputs, and SDK options per role. */
import * as z from "zod";

/** The stage's human roles; each command uses the least that does. */
export const PEOPLE = ["requester", "approver", "auditor", "operator", "break-glass", "shredder"] as const;
export type PeopleRole = (typeof PEOPLE)[number];
/** Outputs of the control plane that name the roles. */
export const ROLE_OUTPUTS = {
  requester: "RequesterRoleArn",
  approver: "ApproverRoleArn",
  auditor: "AuditorRoleArn",
  operator: "OperatorRoleArn",
  "break-glass": "BreakGlassRoleArn",
  shredder: "ShredderRoleArn",
} as const satisfies Record<PeopleRole, string>;

/** Temporary credentials of a role session. */
export const credentials = z.strictObject({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sessionToken: z.string(),
});

export const controlPlaneOutputs = z.object({
  RunLogTable: z.string(),
  ApprovalsTable: z.string(),
  ControlTable: z.string(),
  OversightTable: z.string(),
  ContextBucket: z.string(),
  VaultBucket: z.string(),
  ArchiveBucket: z.string(),
  NotaryKey: z.string(),
  ApiEndpoint: z.string(),
});
export const workflowOutputs = z.object({ StateMachineArn: z.string(), ApiEndpoint: z.string() });

/** Region, endpoint and credentials for an SDK client. */
export interface ClientOptions {
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: z.output<typeof credentials>;
}
export interface Connection {
  readonly stage: string;
  readonly local: boolean;
  /** false when only the data of a stopped local cloud can be read */
  readonly live: boolean;
  client(role: PeopleRole): ClientOptions;
  /** Local: the approver role under a session named after that person; undefined for who approves nothing here. */
  approver(email: string): ClientOptions | undefined;
  controlPlane(): Promise<z.output<typeof controlPlaneOutputs>>;
  workflow(name: string): Promise<z.output<typeof workflowOutputs>>;
  /** names of this project's workflows that are deployed to the stage */
  workflows(): Promise<string[]>;
  close(): Promise<void>;
}

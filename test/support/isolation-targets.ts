/** What attacks are aimed at. It is bundled into functions, so it imports nothing. */

/** Real names of a deployment: more than hostile code would know. */
export interface Targets {
  readonly tables: Readonly<Record<"log" | "approvals" | "budgets" | "control" | "effects" | "oversight", string>>;
  readonly logArn: string;
  readonly runId: string;
  /** keys of objects that a run wrote */
  readonly contextKey: string;
  /** of the refund; none is there as long as people are asked */
  readonly callKey: string;
  readonly vaultKey: string;
  readonly buckets: Readonly<Record<"context" | "vault", string>>;
  readonly keys: Readonly<Record<"data" | "vault" | "token", string>>;
  /** base64, sealed with the token key for this workflow */
  readonly sealed: string;
  readonly machineArn: string;
  readonly executionArn: string;
  readonly machineRoleArn: string;
  readonly policyStoreId: string;
}
/** Client options; inside a function undefined, because its environment has them. */
export type Config = {
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
};
export type Clients = Config & { readonly maxAttempts: number };
export type Attack = () => Promise<unknown>;
export const WORKFLOW = "billing-dispute";

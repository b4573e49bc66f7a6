/**
 * Task tokens of waiting approvals. They are stored encrypted (`kms:Encrypt` for request-approval), bound to their approval by
 * the encryption context, and only the sender may decrypt (`kms:Decrypt`) and answer them (`states:SendTaskSuccess`).
 */
import { DecryptCommand, EncryptCommand, type KMSClient } from "@aws-sdk/client-kms";
import { SendTaskSuccessCommand, type SFNClient } from "@aws-sdk/client-sfn";
import type { ApprovalRef } from "./approvals.js";
import { isNamed } from "./dynamo.js";

export interface TokenSealer {
  /** Base64 ciphertext. */
  seal(approval: ApprovalRef, token: string): Promise<string>;
}
export interface TokenAnswerer {
  /**
   * Wakes the waiting execution; what it is told does not matter, the gate reads the decision rows. `gone`: the task ended
   * or was answered before, which the caller settles against its own rows.
   */
  answer(approval: ApprovalRef, sealed: string): Promise<"answered" | "gone">;
}

/** The key's grants are per workflow, so the context names it. */
const encryptionContext = ({ workflow, approvalId }: ApprovalRef) => ({ workflow, approval_id: approvalId });

export function kmsTokenSealer(client: KMSClient, keyArn: string): TokenSealer {
  return {
    async seal(approval, token) {
      const { CiphertextBlob } = await client.send(
        new EncryptCommand({
          KeyId: keyArn,
          Plaintext: Buffer.from(token, "utf8"),
          EncryptionContext: encryptionContext(approval),
        }),
      );
      return Buffer.from(CiphertextBlob ?? []).toString("base64");
    },
  };
}

export function sfnTokenAnswerer(kms: KMSClient, keyArn: string, sfn: SFNClient): TokenAnswerer {
  return {
    async answer(approval, sealed) {
      const { Plaintext } = await kms.send(
        new DecryptCommand({
          KeyId: keyArn,
          CiphertextBlob: Buffer.from(sealed, "base64"),
          EncryptionContext: encryptionContext(approval),
        }),
      );
      const taskToken = Buffer.from(Plaintext ?? []).toString("utf8");
      try {
        await sfn.send(new SendTaskSuccessCommand({ taskToken, output: "{}" }));
        return "answered";
      } catch (error) {
        if (["TaskTimedOut", "TaskDoesNotExist"].some((name) => isNamed(error, name))) return "gone";
        throw error;
      }
    },
  };
}

import { randomBytes } from "node:crypto";
import type { Caller } from "../types.js";

/** Temporary credentials of one role session. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}
export interface Session {
  readonly credentials: Credentials;
  readonly caller: Caller;
}

/** Who may call: the role sessions handed out since the cloud started. They end with it, a function's with its child process. */
export class Sessions {
  private readonly byAccessKey = new Map<string, Session>();

  /**
   * New credentials for a role.
   *
   * @param roleArn with its path, e.g. `arn:aws:iam::111111111111:role/countersign/dev/operator/x`
   * @param sessionName as it shows in the session's ARN: a function's name, a person's
   */
  issue(roleArn: string, sessionName: string): Session {
    const [, , , , accountId = "", resource = ""] = roleArn.split(":");
    const roleName = resource.slice(resource.lastIndexOf("/") + 1);
    const safeName = sessionName.replaceAll(/[^\w+=,.@-]/g, "-").slice(0, 64);
    const session: Session = {
      credentials: {
        accessKeyId: `ASIA${base32(16)}`,
        secretAccessKey: randomBytes(30).toString("base64"),
        sessionToken: randomBytes(48).toString("base64"),
      },
      caller: {
        principalArn: roleArn,
        sessionArn: `arn:aws:sts::${accountId}:assumed-role/${roleName}/${safeName}`,
        accountId,
      },
    };
    this.byAccessKey.set(session.credentials.accessKeyId, session);
    return session;
  }

  /** The credentials are worth nothing from now on. */
  revoke(accessKeyId: string): void {
    this.byAccessKey.delete(accessKeyId);
  }

  find(accessKeyId: string): Session | undefined {
    return this.byAccessKey.get(accessKeyId);
  }
}

function base32(length: number): string {
  return [...randomBytes(length)].map((byte) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[byte % 32]).join("");
}

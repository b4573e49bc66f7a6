/** A session's cloud as commands see a deployment: the same queries and requests serve both. */
import { type ClientOptions, type Connection, type PeopleRole, ROLE_OUTPUTS } from "../client/connection.js";
import type { Session } from "./session.js";

/** The role under a session that is named after a person, as an administrator's tag names it on AWS. */
export function clientAs({ cloud, stage }: Session, role: PeopleRole, person: string): ClientOptions {
  const arn = cloud.outputs(`countersign-${stage}`)[ROLE_OUTPUTS[role]] ?? "";
  return {
    region: cloud.context.region,
    endpoint: cloud.endpoint,
    credentials: cloud.credentialsFor(arn, person),
  };
}

/** Everybody who may decide about anything, each once. */
export function approversIn({ workflows }: Session): readonly string[] {
  const people = [...workflows.values()].flatMap(({ contract: { approvers } }) => [
    ...approvers.first,
    ...approvers.escalate.flatMap(({ to }) => to),
    ...approvers.delegates,
  ]);
  return [...new Set(people)];
}

export function sessionConnection(session: Session): Connection {
  const { cloud, stage } = session;
  const control = cloud.outputs(`countersign-${stage}`);
  const output = (outputs: Readonly<Record<string, string>>, name: string): string => outputs[name] ?? "";
  return {
    stage,
    local: true,
    live: true,
    client: (role) => ({
      region: cloud.context.region,
      endpoint: cloud.endpoint,
      credentials: cloud.credentialsFor(output(control, ROLE_OUTPUTS[role]), `local-${role}`),
    }),
    approver: (email) => (approversIn(session).includes(email) ? clientAs(session, "approver", email) : undefined),
    controlPlane: async () => ({
      RunLogTable: output(control, "RunLogTable"),
      ApprovalsTable: output(control, "ApprovalsTable"),
      ControlTable: output(control, "ControlTable"),
      OversightTable: output(control, "OversightTable"),
      ContextBucket: output(control, "ContextBucket"),
      VaultBucket: output(control, "VaultBucket"),
      ArchiveBucket: output(control, "ArchiveBucket"),
      NotaryKey: output(control, "NotaryKey"),
      ApiEndpoint: output(control, "ApiEndpoint"),
    }),
    workflow: async (name) => {
      const outputs = cloud.outputs(`countersign-${stage}-${name}`);
      return { StateMachineArn: output(outputs, "StateMachineArn"), ApiEndpoint: output(outputs, "ApiEndpoint") };
    },
    workflows: async () => [...session.workflows.keys()].sort(),
    close: async () => {},
  };
}

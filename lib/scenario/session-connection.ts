/** A session's cloud as commands see a deployment: the same queries and requests serve both. */
import type { ClientOptions, Connection, PeopleRole } from "../client/connection.js";
import type { Session } from "./session.js";

const ROLE_OUTPUTS = {
  requester: "RequesterRoleArn",
  approver: "ApproverRoleArn",
  auditor: "AuditorRoleArn",
  operator: "OperatorRoleArn",
} as const satisfies Record<PeopleRole, string>;

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

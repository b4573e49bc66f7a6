/** Every role × every known action × every place of a deployment, asked of the running cloud's own IAM check. */
import type { Zone } from "../../lib/constructs/names.js";
import type { Cloud } from "../../lib/local/cloud.js";
import { allActions, WITHOUT_RESOURCE } from "./isolation-actions.js";
import { placesOf } from "./isolation-places.js";

/** `<action> <place>`, e.g. `PartiQLInsert log of this workflow` */
type Line = string;

export interface Matrix {
  readonly places: readonly string[];
  /** every line that was asked about, for each role alike */
  readonly asked: readonly Line[];
  /** by role, as `<zone>/<name>`: what it may */
  readonly may: ReadonlyMap<string, readonly Line[]>;
  /** what the one role of the zone may whose name begins with `part` */
  row(zone: Zone, part?: string): readonly Line[];
  /** what each role of the zone may */
  rows(zone: Zone): readonly (readonly Line[])[];
}

export function matrixOf(cloud: Cloud): Matrix {
  const { iam, accountId } = cloud.context;
  const places = placesOf(cloud);
  const questions = [...places].flatMap(([place, { service, resource, context = {} }]) =>
    allActions()
      .filter((action) => action.startsWith(`${service}:`) && WITHOUT_RESOURCE.has(action) === (resource === "*"))
      .map((action) => ({ line: `${action.split(":")[1]} ${place}`, action, resource, context })),
  );
  const allowed = (arn: string): readonly Line[] => {
    const caller = { principalArn: arn, sessionArn: arn, accountId };
    return questions
      .filter(({ line: _line, ...question }) => iam.evaluate({ caller, ...question }).allowed)
      .map(({ line }) => line);
  };
  const may = new Map(
    cloud.roles.list().map(({ arn, name, path }) => [`${path.split("/")[3]}/${title(name)}`, allowed(arn)] as const),
  );
  const rows = (zone: Zone, part = "") =>
    [...may]
      .filter(([name]) => name.toLowerCase().startsWith(`${zone}/${part}`.toLowerCase()))
      .map(([, lines]) => lines);
  return {
    places: [...places.keys()],
    asked: questions.map(({ line }) => line),
    may,
    rows,
    row(zone, part) {
      const [found, second] = rows(zone, part);
      if (found !== undefined && second === undefined) return found;
      throw new Error(
        `${found === undefined ? "no role" : "several roles"} for ${zone} ${part}: ${[...may.keys()].join(", ")}`,
      );
    },
  };
}

/** `countersign-dev-billing-d-WorkflowToolStripeRefundR-MS7…` → `ToolStripeRefundR`: as far as CloudFormation kept it */
const title = (name: string): string => (name.split("-").at(-2) ?? name).replace(/^(?:Workflow|People)/, "");

/** The egress guard of one function, from what its contract says. */
import type { Tool } from "../contract/model.js";
import { installEgress } from "./egress.js";
import { allowedPlaces, type LocalHosts } from "./hosts.js";

type Guarded = Pick<Tool, "name" | "hosts"> & Partial<Pick<Tool, "awsActions">>;

/** `services`: the AWS services that the runtime around the team's code uses; those of the tool's own AWS actions are added. */
export function guardEgress(owner: Guarded, local: LocalHosts, services: readonly string[]): void {
  const own = (owner.awsActions ?? []).flatMap(({ actions }) =>
    actions.flatMap((action) => action.split(":")[0] ?? []),
  );
  const places = allowedPlaces({
    hosts: owner.hosts,
    local,
    services: [...new Set([...services, ...own])],
    env: process.env,
  });
  installEgress({ tool: owner.name, hosts: owner.hosts, places });
}

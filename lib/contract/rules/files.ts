import type { Draft } from "../draft.js";
import { at, type Faults, suggest, type Where } from "../faults.js";
import { resolvedFrom } from "../written.js";

/** Files exist where the defining file says they are; sandboxes stand in for hosts that something may reach. */
export function checkFiles(draft: Draft, exists: (path: string) => boolean, faults: Faults): void {
  const needs = (path: string | undefined, where: Where) => {
    if (path === undefined || exists(resolvedFrom(where.file, path))) return;
    faults.add("CS-1011", where, {
      value: path,
      rule: "does not exist",
      fix: "create it, or correct the path: it is relative to this file",
    });
  };
  const { agent, sandbox } = draft.fields;
  if (agent?.kind === "bedrock") needs(agent.instructions, at(draft.where, "agent", "instructions"));
  if (agent?.kind === "lambda") needs(agent.handler, at(draft.where, "agent", "handler"));
  for (const { fields, where } of draft.tools) {
    needs(fields.handler, at(where, "handler"));
    if (fields.effect !== "read") needs(fields.preview, at(where, "preview"));
  }
  const hosts = draft.tools.flatMap((tool) => tool.fields.hosts ?? []);
  if (agent?.kind === "lambda") hosts.push(...(agent.hosts ?? []));
  for (const [host, path] of Object.entries(sandbox ?? {})) {
    const here = at(draft.where, "sandbox", host);
    needs(path, here);
    if (hosts.includes(host) || !draft.namesKnown) continue;
    faults.add("CS-1014", here, { rule: "stands in for a host that no tool may reach", fix: suggest(host, hosts) });
  }
}

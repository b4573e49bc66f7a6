/** The sandboxes of workflows: stand-ins of outside systems on loopback, started from their contracts' modules. */
import { pathToFileURL } from "node:url";
import * as z from "zod";
import type { Contract, SandboxServer, SandboxStart } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import type { Seeds } from "./load.js";

/** host → what it holds */
type States = Readonly<Record<string, unknown>>;

export interface Sandboxes {
  /** outside host → loopback URL, of one workflow */
  hosts(workflow: string): Readonly<Record<string, string>>;
  states(workflow: string): States;
  /** starts every sandbox of the workflow again from these seeds */
  reset(workflow: string, seeds: Seeds): void;
  close(): Promise<void>;
}

interface Started {
  readonly workflow: string;
  readonly host: string;
  readonly server: SandboxServer;
}

const sandboxModule = z.object({ start: z.custom<SandboxStart>((value) => typeof value === "function") });

/** Starts the sandboxes of all given workflows. A module that does not start is CS-4050. */
export async function startSandboxes(
  workflows: readonly { readonly contract: Contract; readonly seeds: Seeds }[],
  now: () => number,
): Promise<Sandboxes> {
  const wanted = workflows.flatMap(({ contract, seeds }) =>
    Object.entries(contract.sandbox).map(([host, file]) => ({
      workflow: contract.name,
      host,
      file,
      seed: seeds[host] ?? {},
    })),
  );
  const started: Started[] = [];
  const closeAll = async () => void (await Promise.all(started.map(({ server }) => server.close())));
  for (const { workflow, host, file, seed } of wanted) {
    try {
      const { start } = sandboxModule.parse(await import(pathToFileURL(file).href));
      started.push({ workflow, host, server: await start({ seed, now }) });
    } catch (error) {
      await closeAll();
      const why = error instanceof Error ? error.message : String(error);
      throw new CountersignError(
        "CS-4050",
        `sandbox ${host} of ${workflow} (${file}): does not start: ${why}; it exports \`start\` and takes its seed from sandbox/seed.json`,
      );
    }
  }
  const of = (workflow: string) => started.filter((one) => one.workflow === workflow);
  return {
    hosts: (workflow) => Object.fromEntries(of(workflow).map(({ host, server }) => [host, server.url])),
    states: (workflow) => Object.fromEntries(of(workflow).map(({ host, server }) => [host, server.state()])),
    reset: (workflow, seeds) => {
      for (const { host, server } of of(workflow)) server.reset(seeds[host] ?? {});
    },
    close: closeAll,
  };
}

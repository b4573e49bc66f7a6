/**
 * What a command talks to: AWS through the default credential chain, a running local cloud, or (to read what a stopped one left
 * behind) a local cloud opened on the same data for the length of the command.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import * as z from "zod";
import { type Connection, controlPlaneOutputs, credentials, workflowOutputs } from "../client/connection.js";
import { listWorkflows } from "../contract/load.js";
import { CountersignError } from "../errors.js";
import { openStopped } from "./stopped.js";

/** `.countersign/local.json`: how commands reach the running local cloud. Readable by its owner alone. */
const localFile = z.strictObject({
  endpoint: z.url(),
  pid: z.int().positive(),
  region: z.string(),
  stage: z.string(),
  assembly: z.string(),
  credentials: z.strictObject({
    requester: credentials,
    approver: credentials,
    auditor: credentials,
    operator: credentials,
    "break-glass": credentials,
    shredder: credentials,
  }),
  /** of the approver role, in sessions named after the people of the contracts */
  approvers: z.record(z.string(), credentials),
});
export type LocalFile = z.output<typeof localFile>;

export interface ConnectionOptions {
  readonly root: string;
  readonly local: boolean;
  readonly stage: string;
  /** refuse a local cloud that has stopped: the command changes something */
  readonly live: boolean;
}

export const dataDirOf = (root: string): string => join(root, ".countersign");
const localFileOf = (root: string): string => join(dataDirOf(root), "local.json");

export async function connect(options: ConnectionOptions): Promise<Connection> {
  if (!options.local)
    return overOutputs(
      {
        stage: options.stage,
        local: false,
        live: true,
        client: () => ({}),
        approver: () => undefined,
        close: async () => {},
      },
      options.root,
    );
  const file = await readLocalFile(options.root);
  if (file !== undefined && file.stage !== options.stage)
    throw new CountersignError(
      "CS-5006",
      `--stage: the local data is of stage ${file.stage}, not ${options.stage}; leave --stage out, or start that stage with --fresh`,
    );
  if (file !== undefined && isAlive(file.pid) && (await answers(file.endpoint))) {
    return overOutputs(
      {
        stage: file.stage,
        local: true,
        live: true,
        client: (role) => ({ region: file.region, endpoint: file.endpoint, credentials: file.credentials[role] }),
        approver: (email) => {
          const found = Object.hasOwn(file.approvers, email) ? file.approvers[email] : undefined;
          return found === undefined ? undefined : { region: file.region, endpoint: file.endpoint, credentials: found };
        },
        close: async () => {},
      },
      options.root,
    );
  }
  if (options.live)
    throw new CountersignError(
      "CS-5004",
      "the local cloud is not running; start it with `npm start` in another terminal",
    );
  if (file === undefined)
    throw new CountersignError("CS-5004", `${dataDirOf(options.root)}: no local data yet; run \`npm start\` first`);
  const stopped = await openStopped({ assembly: file.assembly, dataDir: dataDirOf(options.root), stage: file.stage });
  return overOutputs(
    {
      stage: file.stage,
      local: true,
      live: false,
      client: (role) => stopped.client(role),
      approver: () => undefined,
      close: () => stopped.close(),
    },
    options.root,
  );
}

/** Adds what stacks' outputs say. Stacks are asked for by name: the roles may describe this stage's stacks, not list the account's. */
function overOutputs(
  base: Pick<Connection, "stage" | "local" | "live" | "client" | "approver" | "close">,
  root: string,
): Connection {
  const prefix = `countersign-${base.stage}`;
  const client = new CloudFormationClient(base.client("auditor"));
  const described = new Map<string, Promise<Record<string, string> | undefined>>();
  const describe = (stack: string) => {
    const found = described.get(stack) ?? stackOutputs(client, stack);
    described.set(stack, found);
    return found;
  };
  const outputsOf = async <S extends z.ZodType>(stack: string, schema: S): Promise<z.output<S>> => {
    const parsed = schema.safeParse(await describe(stack));
    if (parsed.success) return parsed.data;
    throw new CountersignError(
      "CS-5003",
      `stack ${stack} is not deployed; deploy it, or name another stage or workflow`,
    );
  };
  return {
    ...base,
    controlPlane: () => outputsOf(prefix, controlPlaneOutputs),
    workflow: (name) => outputsOf(`${prefix}-${name}`, workflowOutputs),
    workflows: async () => {
      const names = (await listWorkflows(join(root, "workflows"))).map((folder) => basename(folder));
      const deployed = await Promise.all(
        names.map(async (name) => ((await describe(`${prefix}-${name}`)) === undefined ? [] : [name])),
      );
      return deployed.flat();
    },
  };
}

async function stackOutputs(client: CloudFormationClient, stack: string): Promise<Record<string, string> | undefined> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }));
    const outputs = (Stacks[0]?.Outputs ?? []).flatMap(({ OutputKey, OutputValue }) =>
      OutputKey === undefined || OutputValue === undefined ? [] : [[OutputKey, OutputValue] as const],
    );
    return Object.fromEntries(outputs);
  } catch (error) {
    if (error instanceof Error && error.name === "ValidationError") return undefined; // how CloudFormation says "there is none"
    throw error;
  }
}

/** One local cloud at a time may use the project's data. */
export async function refuseSecondCloud(root: string): Promise<void> {
  const file = await readLocalFile(root);
  if (file !== undefined && isAlive(file.pid) && (await answers(file.endpoint)))
    throw new CountersignError(
      "CS-5012",
      `a local cloud of this project runs already (process ${file.pid}, ${file.endpoint}); stop it with Ctrl-C in its terminal`,
    );
}

/** The process id may belong to another program by now. */
async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
}

export async function writeLocalFile(root: string, content: LocalFile): Promise<void> {
  await rm(localFileOf(root), { force: true });
  await writeFile(localFileOf(root), JSON.stringify(content, null, 2), { mode: 0o600 });
}

async function readLocalFile(root: string): Promise<LocalFile | undefined> {
  let text: string;
  try {
    text = await readFile(localFileOf(root), "utf8");
  } catch {
    return undefined; // no local cloud has run here yet
  }
  const parsed = localFile.safeParse(jsonOrUndefined(text));
  if (!parsed.success)
    throw new CountersignError(
      "CS-5004",
      `${localFileOf(root)}: damaged or written by another version; remove it and run \`npm start\``,
    );
  return parsed.data;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What a command talks to: AWS through the default credential chain, a running local cloud, or (to read what a stopped one left
 * behind) a local cloud opened on the same data for the length of the command.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import * as z from "zod";
import { CountersignError } from "../errors.js";
import { openStopped } from "../local/stopped.js";

/** The stage's human roles; each command uses the least that does. */
export const PEOPLE = ["requester", "approver", "auditor", "operator"] as const;
export type PeopleRole = (typeof PEOPLE)[number];

const credentials = z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string(), sessionToken: z.string() });
/** `.countersign/local.json`: how commands reach the running local cloud. Readable by its owner alone. */
const localFile = z.strictObject({
  endpoint: z.url(),
  pid: z.int().positive(),
  region: z.string(),
  stage: z.string(),
  assembly: z.string(),
  credentials: z.strictObject({ requester: credentials, approver: credentials, auditor: credentials, operator: credentials }),
});
export type LocalFile = z.output<typeof localFile>;

const controlPlaneOutputs = z.object({
  RunLogTable: z.string(),
  ApprovalsTable: z.string(),
  ControlTable: z.string(),
  ApiEndpoint: z.string(),
});
const workflowOutputs = z.object({ StateMachineArn: z.string(), ApiEndpoint: z.string() });

/** Region, endpoint and credentials for an SDK client. */
export interface ClientOptions {
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: z.output<typeof credentials>;
}
export interface Connection {
  readonly stage: string;
  readonly local: boolean;
  /** false when only the data of a stopped local cloud can be read */
  readonly live: boolean;
  client(role: PeopleRole): ClientOptions;
  controlPlane(): Promise<z.output<typeof controlPlaneOutputs>>;
  workflow(name: string): Promise<z.output<typeof workflowOutputs>>;
  /** names of the workflows deployed to the stage */
  workflows(): Promise<string[]>;
  close(): Promise<void>;
}
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
  if (!options.local) return overOutputs({ stage: options.stage, local: false, live: true, client: () => ({}), close: async () => {} });
  const file = await readLocalFile(options.root);
  if (file !== undefined && isAlive(file.pid)) {
    return overOutputs({
      stage: file.stage,
      local: true,
      live: true,
      client: (role) => ({ region: file.region, endpoint: file.endpoint, credentials: file.credentials[role] }),
      close: async () => {},
    });
  }
  if (options.live) throw new CountersignError("CS-5004", "the local cloud is not running; start it with `npm start` in another terminal");
  if (file === undefined) throw new CountersignError("CS-5004", `${dataDirOf(options.root)}: no local data yet; run \`npm start\` first`);
  const stopped = await openStopped({ assembly: file.assembly, dataDir: dataDirOf(options.root), stage: file.stage });
  return overOutputs({ stage: file.stage, local: true, live: false, client: (role) => stopped.client(role), close: () => stopped.close() });
}

/** Adds what stacks' outputs say. */
function overOutputs(base: Pick<Connection, "stage" | "local" | "live" | "client" | "close">): Connection {
  const prefix = `countersign-${base.stage}`;
  let described: Promise<Map<string, Record<string, string>>> | undefined;
  const stacks = () => {
    described ??= describeStacks(base.client("auditor"), prefix);
    return described;
  };
  const outputsOf = async <S extends z.ZodType>(stack: string, schema: S): Promise<z.output<S>> => {
    const parsed = schema.safeParse((await stacks()).get(stack));
    if (parsed.success) return parsed.data;
    const known = [...(await stacks()).keys()].join(", ") || "none";
    throw new CountersignError("CS-5003", `stack ${stack} is not deployed (found: ${known}); deploy it, or name another stage or workflow`);
  };
  return {
    ...base,
    controlPlane: () => outputsOf(prefix, controlPlaneOutputs),
    workflow: (name) => outputsOf(`${prefix}-${name}`, workflowOutputs),
    workflows: async () =>
      [...(await stacks()).keys()].flatMap((name) => (name.startsWith(`${prefix}-`) ? [name.slice(prefix.length + 1)] : [])).sort(),
  };
}

async function describeStacks(options: ClientOptions, prefix: string): Promise<Map<string, Record<string, string>>> {
  const client = new CloudFormationClient(options);
  const found = new Map<string, Record<string, string>>();
  let next: string | undefined;
  do {
    const page = await client.send(new DescribeStacksCommand(next === undefined ? {} : { NextToken: next }));
    for (const stack of page.Stacks ?? []) {
      const name = stack.StackName ?? "";
      if (name !== prefix && !name.startsWith(`${prefix}-`)) continue;
      const outputs = (stack.Outputs ?? []).flatMap(({ OutputKey, OutputValue }) =>
        OutputKey === undefined || OutputValue === undefined ? [] : [[OutputKey, OutputValue] as const],
      );
      found.set(name, Object.fromEntries(outputs));
    }
    next = page.NextToken;
  } while (next !== undefined);
  return found;
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
  const parsed = localFile.safeParse(JSON.parse(text));
  if (!parsed.success) throw new CountersignError("CS-5004", `${localFileOf(root)}: written by another version; remove it and run \`npm start\``);
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

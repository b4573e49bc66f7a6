/**
 * A project on the embedded cloud: the synthesised template, its workflows' sandboxes, and models answered from recorded turns.
 * What `npm start`, `scenario test` and the whole-run tests share.
 */
import { join } from "node:path";
import { loadWorkflow } from "../contract/load.js";
import type { Contract } from "../contract/model.js";
import { CountersignError } from "../errors.js";
import type { HoldableClock } from "../local/clock.js";
import { type Cloud, startCloud } from "../local/cloud.js";
import { LocalOidc, type LocalPerson } from "../local/oidc/provider.js";
import { type ConverseModel, type ConverseRequest, recordedModel } from "../local/services/bedrock.js";
import type { Script } from "../local/services/turns.js";
import type { WebHandler } from "../local/wire/wire.js";
import { loadScenarios, loadSeeds, type NamedScenario, type Seeds } from "./load.js";
import { type LocalSlack, startLocalSlack } from "./local-slack.js";
import { scenarioFor } from "./recorded.js";
import { type Sandboxes, startSandboxes } from "./sandboxes.js";

/** Of the sign-in provider on this machine. */
const LOCAL_CLIENT = "countersign-local";
/** How long functions that are at work when the cloud closes may take to put things away. */
const DRAIN_PATIENCE_MS = 3_000;

export interface SessionOptions {
  readonly root: string;
  readonly stage: string;
  /** folder of the assembly */
  readonly assembly: string;
  readonly workflows: readonly string[];
  readonly clock: HoldableClock;
  readonly port?: number;
  readonly dataDir?: string;
  /** a real model instead of recorded turns */
  readonly model?: ConverseModel;
  /** false: no rule at a rate fires */
  readonly schedules?: boolean;
  readonly console?: (cloud: Cloud) => WebHandler;
}

export interface SessionWorkflow {
  readonly contract: Contract;
  readonly seeds: Seeds;
  readonly scenarios: readonly NamedScenario[];
}

export interface Session {
  readonly cloud: Cloud;
  readonly stage: string;
  readonly sandboxes: Sandboxes;
  /** absent in sessions without people */
  readonly slack?: LocalSlack;
  readonly workflows: ReadonlyMap<string, SessionWorkflow>;
  /** the turns that every conversation of this workflow gets from now on; undefined: found by the run's input */
  script(workflow: string, turns: Script | undefined): void;
  close(): Promise<void>;
}

export async function openSession(options: SessionOptions): Promise<Session> {
  const loaded = await Promise.all(options.workflows.map((name) => loadSessionWorkflow(options.root, name)));
  const workflows = new Map(loaded.map((one) => [one.contract.name, one]));
  const sandboxes = await startSandboxes(loaded, () => options.clock.now());
  let started: Cloud | undefined;
  const oidc = await LocalOidc.start({
    clientId: LOCAL_CLIENT,
    redirectUri: () => `${started?.endpoint ?? ""}/sign-in/callback`,
    people: () => peopleOf(loaded.map(({ contract }) => contract)),
  });
  const slack = await startLocalSlack(
    loaded.map(({ contract }) => contract),
    options.stage,
    () => started?.endpoint ?? "",
    () => options.clock.now(),
  );
  const scripts = new Map<string, Script>();
  const pick = (request: ConverseRequest): Script | undefined => {
    const workflow = request.requestMetadata?.workflow ?? "";
    return scripts.get(workflow) ?? scenarioFor(workflows.get(workflow)?.scenarios ?? [], request)?.scenario.turns;
  };
  try {
    const cloud = await startCloud({
      assembly: options.assembly,
      stacks: loaded.map(({ contract }) => `countersign-${options.stage}-${contract.name}`),
      clock: options.clock,
      model: options.model ?? recordedModel(pick),
      secrets: slack.secrets,
      functionEnvironment: (_, environment) => ({
        ...hostsOf(environment.WORKFLOW, sandboxes),
        ...(environment.OIDC_ISSUER === undefined ? {} : { OIDC_ISSUER: oidc.issuer, OIDC_CLIENT_ID: LOCAL_CLIENT }),
        ...slack.hostsFor(environment),
      }),
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
      ...(options.schedules === undefined ? {} : { schedules: options.schedules }),
      ...(options.console === undefined ? {} : { console: options.console }),
    });
    started = cloud;
    return {
      cloud,
      stage: options.stage,
      sandboxes,
      slack,
      workflows,
      script: (workflow, turns) => void (turns === undefined ? scripts.delete(workflow) : scripts.set(workflow, turns)),
      close: async () => {
        await cloud.lambda.drained(DRAIN_PATIENCE_MS);
        await cloud.close();
        await sandboxes.close();
        await oidc.close();
        await slack.workspace.close();
      },
    };
  } catch (error) {
    await sandboxes.close();
    await oidc.close();
    await slack.workspace.close();
    throw error;
  }
}

/** Everybody whom a contract names, each once. */
function peopleOf(contracts: readonly Contract[]): readonly LocalPerson[] {
  const zones = Object.assign({}, ...contracts.map(({ approvers }) => approvers.timeZones));
  const named = contracts.flatMap(({ approvers, owner }) => [
    ...approvers.first,
    ...approvers.escalate.flatMap(({ to }) => to),
    ...approvers.delegates,
    owner.email.toLowerCase(),
  ]);
  return [...new Set(named)].map((email) => ({
    email,
    ...(typeof zones[email] === "string" ? { timeZone: zones[email] } : {}),
  }));
}

async function loadSessionWorkflow(root: string, name: string): Promise<SessionWorkflow> {
  const { contract } = await loadWorkflow(join(root, "workflows", name));
  if (contract === undefined)
    throw new CountersignError(
      "CS-5009",
      `workflow ${name}: the contract has faults; see \`countersign workflow check ${name}\``,
    );
  const [seeds, scenarios] = await Promise.all([loadSeeds(root, name), loadScenarios(root, name)]);
  return { contract, seeds, scenarios };
}

/** A function's own workflow is in its environment; functions of the control plane have none and reach no outside host. */
function hostsOf(workflow: string | undefined, sandboxes: Sandboxes): Record<string, string> {
  return workflow === undefined ? {} : { COUNTERSIGN_LOCAL_HOSTS: JSON.stringify(sandboxes.hosts(workflow)) };
}

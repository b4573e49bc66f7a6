/**
 * What a team writes (`WorkflowDefinition`, `ToolDefinition`) and what the rest of the code reads (`Contract`).
 *
 * `defineWorkflow` and `defineTool` keep the definition as written; `checkContract` (check.ts) parses it with strict zod
 * schemas and answers with a `Contract` or with every fault at once. Nothing else reads a definition.
 */
import type * as z from "zod";

/** How far the agent may go alone. Ordered: each level allows what the one before allows, and more. */
export const AUTONOMY_LEVELS = ["observe", "approve-all", "routine", "bounded"] as const;
/**
 * - `observe`: every write is recorded as a recommendation and none runs
 * - `approve-all`: every write needs a person
 * - `routine`: writes on one record or customer may run unattended where the policies permit; irreversible ones never do
 * - `bounded`: also writes with a wide blast radius may, within the exposure the policies allow; irreversible ones never do
 */
export type Autonomy = (typeof AUTONOMY_LEVELS)[number];
export const REVERSIBILITY = ["reversible", "compensable", "irreversible"] as const;
export type Reversibility = (typeof REVERSIBILITY)[number];
export const BLAST_RADIUS = ["record", "customer", "tenant", "account"] as const;
export type BlastRadius = (typeof BLAST_RADIUS)[number];
export const DATA_CLASS = ["public", "internal", "personal", "financial"] as const;
export type DataClass = (typeof DATA_CLASS)[number];
export const ERROR_DETECTABILITY = ["immediate", "delayed", "hidden"] as const;
export type ErrorDetectability = (typeof ERROR_DETECTABILITY)[number];
export const MATURITY = ["stable-api", "beta-api", "experimental"] as const;
export type Maturity = (typeof MATURITY)[number];
export const IDEMPOTENCY = ["key", "read-back", "none"] as const;
export type Idempotency = (typeof IDEMPOTENCY)[number];
/** How a person shows who they are: `code` = link and code of the mail count, `required` = only a sign-in or a signed Slack click does. */
export const SIGN_IN = ["code", "required"] as const;
export type SignIn = (typeof SIGN_IN)[number];
export const EXPOSURE_SCOPES = ["run", "resource-day", "workflow-day"] as const;
export type ExposureScope = (typeof EXPOSURE_SCOPES)[number];

/** A length of time as contracts write it. */
export interface DurationSpec {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
}

export interface ToolDefinition<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** `<system>.<verb_object>`, e.g. `stripe.refund` */
  readonly name: string;
  readonly description: string;
  /** strict object of strings, enums, integers, booleans, arrays and strict objects of them: what Cedar can judge */
  readonly input: I;
  readonly output: O;
  readonly effect: "read" | "write";
  /** first line an approver reads, writes only: `Refund {amount_cents:EUR} to {resource}`; `{field:CUR}` is money in cents */
  readonly title?: string;
  /** paths of fields whose values never reach the log in clear: `email`, `card.last4`, `items[].note` */
  readonly sensitive?: { readonly input?: readonly string[]; readonly output?: readonly string[] };
  /** input field that says where something goes (address, ticket, account) */
  readonly destination?: string;
  /** input field with the id of the resource acted on; default: the workflow's resource */
  readonly resource?: string;
  readonly reversibility?: Reversibility;
  readonly blastRadius?: BlastRadius;
  readonly dataClass: DataClass;
  readonly errorDetectability?: ErrorDetectability;
  readonly maturity?: Maturity;
  /** the output holds text written by outsiders */
  readonly untrusted?: boolean;
  /** earlier successful calls in this run, with equal values in the `same` input fields */
  readonly requires?: readonly { readonly tool: string; readonly same?: readonly string[] }[];
  /** which input amount is summed, and over what */
  readonly exposure?: { readonly amount: string; readonly per: readonly ExposureScope[] };
  /** writes only: what a repeat after an unknown outcome does */
  readonly idempotency?: Idempotency;
  /** free-text input fields that leave the company: checked for sensitive values and secrets */
  readonly outbound?: readonly string[];
  /** name of the tool that undoes this one; required for `compensable` */
  readonly compensation?: string;
  readonly timeout?: DurationSpec;
  /** names of secrets (Secrets Manager) only this tool's function may read */
  readonly secrets?: readonly string[];
  readonly awsActions?: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[];
  /** hosts the function may connect to; any other is refused by the tool runtime */
  readonly hosts?: readonly string[];
  /** module with `handle` (a `ToolHandler`), relative to the file that defines the tool */
  readonly handler: string;
  /** module with `preview` (a `PreviewHandler`); required for writes */
  readonly preview?: string;
}

export type AgentDefinition =
  | {
      readonly kind: "bedrock";
      /** Bedrock model id or inference profile */
      readonly model: string;
      /** markdown file, relative to the contract */
      readonly instructions: string;
      readonly maxTokens?: number;
      readonly temperature?: number;
      /** USD per million tokens; default from the built-in price table, required for a model that is not in it */
      readonly price?: { readonly inputPerMillionUsd: number; readonly outputPerMillionUsd: number };
    }
  | {
      readonly kind: "plan";
      /** fixed steps; a string argument `{input.x}` or `{<tool>.<field>}` is filled from the input or an earlier result */
      readonly steps: readonly { readonly tool: string; readonly args: Readonly<Record<string, unknown>> }[];
      /** outcome when all steps are done */
      readonly outcome: string;
    }
  | {
      readonly kind: "lambda";
      /** module with `propose` (an `AgentHandler`), relative to the contract */
      readonly handler: string;
      readonly secrets?: readonly string[];
      readonly hosts?: readonly string[];
      readonly timeout?: DurationSpec;
    };

export interface WorkflowDefinition {
  /** kebab-case, at most 32 characters */
  readonly name: string;
  readonly version: number;
  readonly purpose: string;
  readonly owner: { readonly name: string; readonly email: string };
  readonly input: z.ZodObject;
  readonly agent: AgentDefinition;
  readonly tools: readonly unknown[];
  readonly approvers: {
    /** e-mail addresses and `group:<name>` */
    readonly first: readonly string[];
    readonly groups?: Readonly<Record<string, readonly string[]>>;
    /** silence denies; default 4 hours */
    readonly timeLimit?: DurationSpec;
    /** default `code`; where two people must decide it is `required` in any case */
    readonly signIn?: SignIn;
    /** percents of the time limit; default 50 and 90 */
    readonly remindAt?: readonly number[];
    /** who may decide too after a while */
    readonly escalate?: readonly { readonly after: DurationSpec; readonly to: readonly string[] }[];
    /** who, besides `first` and `escalate`, a decision may be handed to */
    readonly delegates?: readonly string[];
    /** approver → member id in the Slack workspace; `channel`: where a message goes too */
    readonly slack?: { readonly users: Readonly<Record<string, string>>; readonly channel?: string };
    /** approver → IANA time zone in which deadlines are shown; default: the workflow's */
    readonly timeZones?: Readonly<Record<string, string>>;
  };
  readonly tenants?: readonly string[];
  /** IANA name for `hour`, `weekday` and days of exposure; default UTC */
  readonly timeZone?: string;
  /** paths of input fields whose values never reach the log in clear */
  readonly sensitive?: readonly string[];
  /** paths of input fields written by outsiders: with any of them the run counts as having read untrusted text from the start */
  readonly untrusted?: readonly string[];
  /** input field that makes run names readable */
  readonly reference?: string;
  /** input fields that together may be in one open run only */
  readonly unique?: readonly string[];
  readonly resource?: {
    /** Cedar entity type */
    readonly type: string;
    /** `input.<field>` */
    readonly id: string;
    /** attribute → `input.<field>` or `<tool>.<output field>`: never from the model's words */
    readonly facts?: Readonly<Record<string, string>>;
  };
  /** input time field → how old it may be */
  readonly freshness?: Readonly<Record<string, DurationSpec>>;
  /** input field → `<tool>.<output field>` it must equal before any write */
  readonly crossReferences?: Readonly<Record<string, string>>;
  readonly outcomes?: readonly string[];
  readonly autonomy?: Autonomy;
  /** why the autonomy is bolder than recommended */
  readonly reason?: string;
  readonly budget?: { readonly perRunUsd?: number; readonly perDayUsd?: number; readonly over?: "stop" | "escalate" };
  readonly limits?: {
    readonly steps?: number;
    readonly toolCalls?: number;
    readonly callsPerMinute?: number;
    readonly invalidAnswers?: number;
    readonly runTime?: DurationSpec;
  };
  /** below this an action needs a person, percent; default 70 */
  readonly lowConfidencePercent?: number;
  /** local mode only: outside host → module with `start` (a `SandboxServer`), relative to the contract */
  readonly sandbox?: Readonly<Record<string, string>>;
}

/** What `defineTool` and `defineWorkflow` return: the definition and the file that wrote it, not yet checked. */
export interface Defined<D> {
  readonly kind: "tool" | "workflow";
  readonly definition: D;
  /** absolute path of the defining file, for relative paths and messages */
  readonly file: string;
}

// ---- the checked contract -------------------------------------------------------------------------------------

/** A checked tool: every default filled in. Paths are absolute. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  readonly effect: "read" | "write";
  readonly title: string;
  readonly sensitiveInput: readonly string[];
  readonly sensitiveOutput: readonly string[];
  readonly destination?: string;
  readonly resource?: string;
  readonly reversibility: Reversibility;
  readonly blastRadius: BlastRadius;
  readonly dataClass: DataClass;
  readonly errorDetectability: ErrorDetectability;
  readonly maturity: Maturity;
  readonly untrusted: boolean;
  readonly requires: readonly { readonly tool: string; readonly same: readonly string[] }[];
  readonly exposure?: { readonly amount: string; readonly per: readonly ExposureScope[] };
  readonly idempotency: Idempotency;
  readonly outbound: readonly string[];
  readonly compensation?: string;
  readonly timeoutMs: number;
  readonly secrets: readonly string[];
  readonly awsActions: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[];
  readonly hosts: readonly string[];
  readonly handler: string;
  readonly preview?: string;
  readonly file: string;
}

export type Agent =
  | {
      readonly kind: "bedrock";
      readonly model: string;
      readonly instructions: string;
      readonly maxTokens: number;
      readonly temperature: number;
      readonly price: { readonly inputPerMillionUsd: number; readonly outputPerMillionUsd: number };
    }
  | {
      readonly kind: "plan";
      readonly steps: readonly { readonly tool: string; readonly args: Readonly<Record<string, unknown>> }[];
      readonly outcome: string;
    }
  | {
      readonly kind: "lambda";
      readonly handler: string;
      readonly secrets: readonly string[];
      readonly hosts: readonly string[];
      readonly timeoutMs: number;
    };

/** A checked workflow: every default filled in, durations in milliseconds, money in micro-USD. */
export interface Contract {
  readonly name: string;
  readonly version: number;
  readonly purpose: string;
  readonly owner: { readonly name: string; readonly email: string };
  readonly input: z.ZodObject;
  readonly agent: Agent;
  readonly tools: readonly Tool[];
  readonly approvers: {
    /** e-mail addresses, groups resolved, no repeats */
    readonly first: readonly string[];
    readonly timeLimitMs: number;
    readonly signIn: SignIn;
    /** percents of the time limit, rising */
    readonly remindAtPercent: readonly number[];
    /** in order of time */
    readonly escalate: readonly { readonly afterMs: number; readonly to: readonly string[] }[];
    readonly delegates: readonly string[];
    readonly slack: { readonly users: Readonly<Record<string, string>>; readonly channel?: string };
    readonly timeZones: Readonly<Record<string, string>>;
  };
  readonly tenants: readonly string[];
  readonly timeZone: string;
  readonly sensitive: readonly string[];
  readonly untrusted: readonly string[];
  readonly reference?: string;
  readonly unique: readonly string[];
  /** default: `{ type: "Run", id: undefined, facts: {} }`, the run itself */
  readonly resource: { readonly type: string; readonly id?: string; readonly facts: Readonly<Record<string, string>> };
  readonly freshnessMs: Readonly<Record<string, number>>;
  readonly crossReferences: Readonly<Record<string, string>>;
  readonly outcomes: readonly string[];
  readonly autonomy: Autonomy;
  readonly reason?: string;
  readonly budget: {
    readonly perRunMicroUsd: number;
    readonly perDayMicroUsd: number;
    readonly over: "stop" | "escalate";
  };
  readonly limits: {
    readonly steps: number;
    readonly toolCalls: number;
    readonly callsPerMinute: number;
    readonly invalidAnswers: number;
    readonly runTimeMs: number;
  };
  readonly lowConfidencePercent: number;
  readonly sandbox: Readonly<Record<string, string>>;
  readonly file: string;
}

/** One thing wrong with a contract. Rendered: `contract.tools[2].idempotency: 'keys' is not allowed; use … (file)`. */
export interface Fault {
  readonly code: string;
  readonly path: string;
  readonly rule: string;
  /** the value as written, shortened, never a secret */
  readonly value: string;
  readonly fix: string;
  readonly file: string;
}

// ---- what a team's modules export -----------------------------------------------------------------------------

/** What a tool's or preview's own code gets from the runtime. */
export interface ToolContext {
  readonly runId: string;
  readonly step: string;
  readonly tenant: string;
  /** the same for every repeat of this permit; minted by the gate after approval */
  readonly idempotencyKey: string;
  /** true when an earlier attempt claimed this effect and left no outcome: look before you act (`read-back`) */
  readonly repeated: boolean;
  secret(name: string): Promise<string>;
  /** `https://<host>`, or a loopback sandbox in local mode; a host that the contract does not list throws */
  baseUrl(host: string): string;
  readonly signal: AbortSignal;
}
export type ToolHandler<D extends ToolDefinition> = (
  input: z.output<D["input"]>,
  context: ToolContext,
) => Promise<z.input<D["output"]>>;

/** What would change, per field; amounts and ids as the outside system gives them. */
export interface PreviewResult {
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
  /** a line a person should know ("the charge is 58 days old"), plain text */
  readonly notes?: readonly string[];
}
export type PreviewHandler<D extends ToolDefinition> = (
  input: z.output<D["input"]>,
  context: ToolContext,
) => Promise<PreviewResult>;

/** Local mode: a stateful stand-in of an outside system on loopback. */
export interface SandboxServer {
  readonly url: string;
  /** everything it holds, as JSON: what scenarios compare */
  state(): unknown;
  /** start again from a seed (a scenario's `sandbox` entry) */
  reset(seed: unknown): void;
  close(): Promise<void>;
}
/** `start` of a sandbox module. `now` is the cloud's clock, epoch ms. */
export type SandboxStart = (options: { readonly seed: unknown; readonly now: () => number }) => Promise<SandboxServer>;

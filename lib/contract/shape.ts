/**
 * The form of what teams write, as strict zod schemas: types, patterns, sizes. What one field says about another is in rules/.
 * Every message is the *fix*; `addIssues` puts path, value and rule before it.
 */
import * as z from "zod";
import { oneOf } from "./faults.js";
import {
  AUTONOMY_LEVELS,
  BLAST_RADIUS,
  DATA_CLASS,
  ERROR_DETECTABILITY,
  EXPOSURE_SCOPES,
  IDEMPOTENCY,
  MATURITY,
  REVERSIBILITY,
  SIGN_IN,
} from "./model.js";

/** Longest tool timeout: what Lambda allows. */
export const MAX_FUNCTION_MS = 15 * 60_000;

const text = (fix: string, max: number) => z.string(fix).min(1, fix).max(max, fix);
const matching = (pattern: RegExp, fix: string) => z.string(fix).regex(pattern, fix);
const choice = <const T extends readonly [string, ...string[]]>(values: T) => z.enum(values, `use ${oneOf(values)}`);
const list = <T extends z.ZodType>(item: T, fix: string) => z.array(item, fix).max(200, fix);
const whole = (fix: string, min: number, max: number) => z.int(fix).min(min, fix).max(max, fix);
const flag = (fix: string) => z.boolean(fix);
const dictionary = <T extends z.ZodType>(key: z.ZodType<string, string>, value: T, fix: string) =>
  z.record(key, value, fix);

/** A strict object; its "unknown key" message is the list of its fields, for suggestions. */
function fields<S extends z.ZodRawShape>(shape: S, fix: string) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? Object.keys(shape).join(",") : fix),
  });
}

function isZodObject(value: unknown): value is z.ZodObject {
  // Not instanceof: a team's bundle may hold its own copy of zod.
  if (typeof value !== "object" || value === null || !("_zod" in value)) return false;
  const internals = value._zod;
  if (typeof internals !== "object" || internals === null || !("def" in internals)) return false;
  const { def } = internals;
  return typeof def === "object" && def !== null && "type" in def && def.type === "object" && "safeParse" in value;
}
const objectSchema = z.custom<z.ZodObject>(isZodObject, "use z.strictObject({ … }) of zod 4");

const unitCount = (unit: string) => whole(`use a whole number of ${unit}, 0 or more`, 0, 1_000_000).optional();
const duration = fields(
  { days: unitCount("days"), hours: unitCount("hours"), minutes: unitCount("minutes"), seconds: unitCount("seconds") },
  "use { days, hours, minutes, seconds }, e.g. { hours: 4 }",
);

const FIELD = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const fieldName = matching(FIELD, "use the name of a field: letters, digits and _");
const fieldPath = text('use a field path like "email", "card.last4" or "items[].note"', 200);
const source = text('use "input.<field>" or "<tool>.<output field>"', 200);
const path = matching(/^\.{1,2}\/.+$/, 'use a path relative to this file, beginning with "./" or "../"');
const hostName = matching(
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  'use a host name alone, in lower case, without scheme, port, path or wildcard: "api.example.com"',
);
const secretName = matching(
  /^[A-Za-z0-9/_+=.@-]{1,128}$/,
  "use the name of one secret in Secrets Manager, without wildcards",
);
const email = z.email("use an e-mail address");
const EMAIL_OR_GROUP = /^(group:[a-z][a-z0-9-]{0,39}|[^\s@:]+@[^\s@]+\.[^\s@]+)$/;
const approver = matching(EMAIL_OR_GROUP, 'use an e-mail address or "group:<name>"');
const slackUser = matching(/^[UW][A-Z0-9]{6,20}$/, 'use the member id of a Slack user: "U012AB3CD"');
const percentOfTime = whole("use a whole percent of the time limit from 1 to 99", 1, 99);
const toolName = matching(
  /^(?=.{3,40}$)[a-z][a-z0-9-]*\.[a-z][a-z0-9]*(_[a-z0-9]+)*$/,
  'use "<system>.<verb_object>" in lower case, at most 40 characters: "stripe.refund"',
);

const iamAction = matching(
  /^[a-z0-9-]+:(?!\*)[A-Za-z0-9]+\*?$/,
  'name the actions one by one: "s3:GetObject"; "*" and "s3:*" are too wide',
);
const iamResource = matching(
  /^arn:[a-z-]+:[a-z0-9-]+:[^:]*:[^:]*:(?![*/:]*$).+$/,
  'use the ARN of a resource: "arn:aws:s3:::my-bucket/*"; "*" is too wide',
);

const toolShape = {
  name: toolName,
  description: text("say in one sentence what the tool does", 1000),
  input: objectSchema,
  output: objectSchema,
  effect: choice(["read", "write"]),
  title: text('use the line an approver reads first: "Refund {amount_cents:EUR} to {resource}"', 200).optional(),
  sensitive: fields(
    {
      input: list(fieldPath, "use a list of field paths").optional(),
      output: list(fieldPath, "use a list of field paths").optional(),
    },
    "use { input: [field paths], output: [field paths] }",
  ).optional(),
  destination: fieldName.optional(),
  resource: fieldName.optional(),
  reversibility: choice(REVERSIBILITY).optional(),
  blastRadius: choice(BLAST_RADIUS).optional(),
  dataClass: choice(DATA_CLASS),
  errorDetectability: choice(ERROR_DETECTABILITY).optional(),
  maturity: choice(MATURITY).optional(),
  untrusted: flag("use true when outsiders write text in the output").optional(),
  requires: list(
    fields(
      { tool: toolName, same: list(fieldName, "use a list of input fields").optional() },
      'use { tool: "…", same: ["…"] }',
    ),
    'use a list of { tool: "…", same: ["…"] }',
  ).optional(),
  exposure: fields(
    {
      amount: fieldName,
      per: list(choice(EXPOSURE_SCOPES), `use a list of ${oneOf(EXPOSURE_SCOPES)}`).min(
        1,
        `use at least one of ${oneOf(EXPOSURE_SCOPES)}`,
      ),
    },
    'use { amount: "<input field>", per: ["run", …] }',
  ).optional(),
  idempotency: choice(IDEMPOTENCY).optional(),
  outbound: list(fieldPath, "use a list of input field paths").optional(),
  compensation: toolName.optional(),
  timeout: duration.optional(),
  secrets: list(secretName, "use a list of secret names").optional(),
  awsActions: list(
    fields(
      {
        actions: list(iamAction, "use a list of IAM actions").min(1, "name at least one action"),
        resources: list(iamResource, "use a list of ARNs").min(1, "name at least one resource"),
      },
      'use { actions: ["s3:GetObject"], resources: ["arn:…"] }',
    ),
    'use a list of { actions: ["s3:GetObject"], resources: ["arn:…"] }',
  ).optional(),
  hosts: list(hostName, "use a list of host names").optional(),
  handler: path,
  preview: path.optional(),
};

const price = (fix: string) => z.number(fix).positive(fix).max(100_000, fix);
const agent = z.discriminatedUnion(
  "kind",
  [
    fields(
      {
        kind: z.literal("bedrock"),
        model: matching(/^[A-Za-z0-9:./_-]{3,200}$/, "use a Bedrock model id or inference profile"),
        instructions: path,
        maxTokens: whole("use a whole number from 1 to 64000", 1, 64_000).optional(),
        temperature: z
          .number("use a number from 0 to 1")
          .min(0, "use a number from 0 to 1")
          .max(1, "use a number from 0 to 1")
          .optional(),
        price: fields(
          {
            inputPerMillionUsd: price("use USD per million input tokens, above 0"),
            outputPerMillionUsd: price("use USD per million output tokens, above 0"),
          },
          "use { inputPerMillionUsd, outputPerMillionUsd }",
        ).optional(),
      },
      'use { kind: "bedrock", model, instructions }',
    ),
    fields(
      {
        kind: z.literal("plan"),
        steps: list(
          fields(
            { tool: toolName, args: z.record(z.string(), z.json("use JSON values"), "use an object of arguments") },
            "use { tool, args }",
          ),
          "use a list of { tool, args }",
        ).min(1, "give at least one step"),
        outcome: text("use one of the contract's outcomes", 64),
      },
      'use { kind: "plan", steps, outcome }',
    ),
    fields(
      {
        kind: z.literal("lambda"),
        handler: path,
        secrets: list(secretName, "use a list of secret names").optional(),
        hosts: list(hostName, "use a list of host names").optional(),
        timeout: duration.optional(),
      },
      'use { kind: "lambda", handler }',
    ),
  ],
  'use { kind: "bedrock", … }, { kind: "plan", … } or { kind: "lambda", … }',
);

const percent = (fix: string) => whole(fix, 0, 100);
const usd = z
  .number("use an amount in USD")
  .positive("use an amount in USD above 0")
  .max(1_000_000, "use at most 1000000 USD");
const workflowShape = {
  name: matching(
    /^(?=.{1,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    'use kebab-case, at most 32 characters: "billing-dispute"',
  ),
  version: whole("use a whole number from 1; raise it with every change that runs should tell apart", 1, 1_000_000),
  purpose: text("say in one sentence what the workflow is for", 1000),
  owner: fields(
    { name: text("name the person or team that answers for this workflow", 200), email },
    "use { name, email }",
  ),
  input: objectSchema,
  agent,
  tools: list(z.unknown(), "use a list of what defineTool returned").min(1, "give at least one tool"),
  approvers: fields(
    {
      first: list(approver, "use a list of e-mail addresses and groups").min(1, "name at least one approver"),
      groups: dictionary(
        matching(/^[a-z][a-z0-9-]{0,39}$/, "use a group name in kebab-case"),
        list(email, "use a list of e-mail addresses"),
        "use { <name>: [e-mail addresses] }",
      ).optional(),
      timeLimit: duration.optional(),
      signIn: choice(SIGN_IN).optional(),
      remindAt: list(percentOfTime, "use a list of percents of the time limit, e.g. [50, 90]")
        .max(5, "use at most five")
        .optional(),
      escalate: list(
        fields(
          {
            after: duration,
            to: list(approver, "use a list of e-mail addresses and groups").min(1, "name at least one"),
          },
          'use { after: { hours: 2 }, to: ["group:leads"] }',
        ),
        'use a list of { after: { hours: 2 }, to: ["group:leads"] }',
      )
        .max(5, "use at most five")
        .optional(),
      delegates: list(approver, "use a list of e-mail addresses and groups").optional(),
      slack: fields(
        {
          users: dictionary(email, slackUser, "use { <e-mail address>: <Slack member id> }"),
          channel: matching(/^[CG][A-Z0-9]{6,20}$/, 'use the id of a channel: "C024BE91L"').optional(),
        },
        'use { users: { "ana@example.com": "U012AB3CD" } }',
      ).optional(),
      timeZones: dictionary(
        email,
        text('use an IANA time zone: "Europe/Berlin"', 64),
        "use { <e-mail address>: <IANA time zone> }",
      ).optional(),
    },
    'use { first: ["ana@example.com"] }',
  ),
  tenants: list(
    matching(/^[a-z0-9][a-z0-9_-]{0,39}$/, "use lower case letters, digits, _ and -, at most 40 characters"),
    "use a list of tenant ids",
  )
    .min(1, "name at least one tenant")
    .optional(),
  timeZone: text('use an IANA time zone: "Europe/Berlin"', 64).optional(),
  sensitive: list(fieldPath, "use a list of input field paths").optional(),
  untrusted: list(fieldPath, "use a list of input field paths").optional(),
  reference: fieldName.optional(),
  unique: list(fieldName, "use a list of input fields").optional(),
  resource: fields(
    {
      type: matching(/^[A-Z][A-Za-z0-9]{0,39}$/, 'use a Cedar entity type in PascalCase: "Customer"'),
      id: matching(/^input\.[A-Za-z][A-Za-z0-9_]{0,63}$/, 'use "input.<field>"'),
      facts: dictionary(
        fieldName,
        source,
        'use { <attribute>: "input.<field>" or "<tool>.<output field>" }',
      ).optional(),
    },
    'use { type: "Customer", id: "input.customer_id" }',
  ).optional(),
  freshness: dictionary(fieldName, duration, "use { <input time field>: { days: 60 } }").optional(),
  crossReferences: dictionary(fieldName, source, 'use { <input field>: "<tool>.<output field>" }').optional(),
  outcomes: list(matching(/^[a-z][a-z0-9_]{0,39}$/, "use lower case letters, digits and _"), "use a list of outcomes")
    .min(1, "name at least one outcome")
    .optional(),
  autonomy: choice(AUTONOMY_LEVELS).optional(),
  reason: text("give the reason in a sentence of at least 10 characters", 2000)
    .min(10, "give the reason in a sentence of at least 10 characters")
    .optional(),
  budget: fields(
    { perRunUsd: usd.optional(), perDayUsd: usd.optional(), over: choice(["stop", "escalate"]).optional() },
    "use { perRunUsd, perDayUsd, over }",
  ).optional(),
  limits: fields(
    {
      // 100 steps are at most some 2,500 of the 25,000 history events that an execution may have.
      steps: whole("use 1 to 100", 1, 100).optional(),
      toolCalls: whole("use 1 to 100", 1, 100).optional(),
      callsPerMinute: whole("use 1 to 600", 1, 600).optional(),
      invalidAnswers: whole("use 0 to 10", 0, 10).optional(),
      runTime: duration.optional(),
    },
    "use { steps, toolCalls, callsPerMinute, invalidAnswers, runTime }",
  ).optional(),
  lowConfidencePercent: percent("use a whole number from 0 to 100").optional(),
  sandbox: dictionary(hostName, path, "use { <host>: <module> }").optional(),
};

export const workflowFields = fields(workflowShape, "use defineWorkflow({ … })");
export const toolFields = fields(toolShape, "use defineTool({ … })");
/** Each field may be absent: what is left of a definition when the wrong fields are taken out. */
export const workflowRest = workflowFields.partial();
export const toolRest = toolFields.partial();
export type WorkflowRest = z.output<typeof workflowRest>;
export type ToolRest = z.output<typeof toolRest>;

/**
 * The seams of the embedded cloud: what an engine gets and what it answers.
 *
 * One engine per AWS service, one file (or folder) each. The wire (`wire.ts`) authenticates a request (SigV4), finds
 * the engine by the service name in the signature's scope, and turns an `AwsFault` into that protocol's error answer.
 * Engines ask `iam` before they act, so a missing grant fails here as it would on AWS.
 */

/** Who calls: a role's session (a function, the state machine, an operator on the command line) or an AWS service. */
export interface Caller {
  /** What `aws:PrincipalArn` says: the role's ARN with its path, e.g. `arn:aws:iam::111111111111:role/countersign/dev/log-writer/x`. */
  readonly principalArn: string;
  /** The session's ARN, as error messages show it, e.g. `arn:aws:sts::111111111111:assumed-role/x/session`. */
  readonly sessionArn: string;
  readonly accountId: string;
  /** Set when a service calls on a resource's behalf: `events.amazonaws.com`, `states.amazonaws.com`, `apigateway.amazonaws.com`. */
  readonly service?: string;
  /** `aws:SourceArn` of such a call. */
  readonly sourceArn?: string;
}

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
export interface PolicyDocument {
  readonly Version?: string;
  readonly Id?: string;
  readonly Statement: PolicyStatement | readonly PolicyStatement[];
}

/** One question to the IAM check. */
export interface AccessQuestion {
  readonly caller: Caller;
  /** e.g. `dynamodb:PartiQLInsert` */
  readonly action: string;
  /** the resource's ARN, or `*` for an action without resource-level permissions */
  readonly resource: string;
  /** condition keys of this request beyond those the check adds itself (principal, account, time, region, source) */
  readonly context?: Readonly<Record<string, string | readonly string[] | boolean | number>>;
  /** policy attached to the resource, when it has one */
  readonly resourcePolicy?: PolicyDocument;
  /** for KMS keys: the key's policy alone must allow, or hand over to IAM (root statement) */
  readonly requireResourceAllow?: boolean;
}
export interface AccessAnswer {
  readonly allowed: boolean;
  /** AWS's wording: `User: … is not authorized to perform: … on resource: … because …` */
  readonly message: string;
}
export interface IamCheck {
  evaluate(question: AccessQuestion): AccessAnswer;
  /** throws `AwsFault` (403 AccessDeniedException) unless allowed */
  authorize(question: AccessQuestion): void;
}

/** Where the IAM check finds a principal's identity policies: filled by the template loader. */
export interface IamDirectory {
  /** managed + inline identity policies of the role; undefined when there is no such role */
  policiesOf(principalArn: string): readonly PolicyDocument[] | undefined;
}

/** An error as an AWS service answers it; the wire renders it per protocol (JSON 1.0/1.1, REST-JSON, REST-XML). */
export class AwsFault extends Error {
  constructor(
    /** e.g. `ConditionalCheckFailedException` */
    readonly code: string,
    message: string,
    readonly status = 400,
    /** further members of the error's shape, e.g. `CancellationReasons` */
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = code;
  }
}

/** One authenticated request to a service. */
export interface AwsCall {
  /** signing name: `dynamodb`, `states`, `lambda`, `s3`, `kms`, `ses`, `secretsmanager`, `verifiedpermissions`, `bedrock`, `cloudformation`, `events`, `logs`, `sts` */
  readonly service: string;
  readonly caller: Caller;
  readonly method: string;
  /** decoded path without the query, e.g. `/2015-03-31/functions/x/invocations` */
  readonly path: string;
  readonly query: URLSearchParams;
  /** lower-case names */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** the operation of `x-amz-target` (after the dot) for JSON protocols; undefined for REST */
  readonly operation?: string;
}
export interface AwsReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** an object is sent as JSON in the protocol's content type; a Buffer or string as it is */
  readonly body?: object | Buffer | string;
}

/** A created CloudFormation resource: what `Ref` and `Fn::GetAtt` give. */
export interface CreatedResource {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}
/** What a resource type's factory gets: intrinsic functions are already resolved. */
export interface ResourceRequest {
  readonly type: string;
  readonly logicalId: string;
  readonly stackName: string;
  /** a physical name to use when the template names none: `<stack>-<logicalId>-<hash>`, shortened to 64 */
  readonly defaultName: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}
export type ResourceFactory = (request: ResourceRequest) => CreatedResource | Promise<CreatedResource>;

/** One service of the embedded cloud. */
export interface Engine {
  /** signing name */
  readonly service: string;
  handle(call: AwsCall): Promise<AwsReply>;
  /** CloudFormation types this engine creates. A property it does not model is a coded error, never ignored. */
  readonly resources: Readonly<Record<string, ResourceFactory>>;
  /** drop all data but keep the resources: between scenarios */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Time in the embedded cloud. Virtual: scenarios skip waits. Engines never call `Date.now` or `setTimeout` themselves. */
export interface Clock {
  /** epoch milliseconds */
  now(): number;
  /** runs `task` once at `atMs` (or at once when that is past); the returned function cancels */
  at(atMs: number, task: () => void): () => void;
}

/** Calls a Lambda function; throws `FunctionError` when the function fails. */
export interface FunctionInvoker {
  /** checks `lambda:InvokeFunction` for the caller first (`functionArn` may carry a qualifier) */
  invoke(functionArn: string, payload: unknown, caller: Caller): Promise<unknown>;
}
/** A function answered with an error, timed out or died. As Step Functions names it: `errorType` is `Error` of Catch and Retry. */
export class FunctionError extends Error {
  constructor(
    readonly errorType: string,
    readonly errorMessage: string,
    /** the function's whole error answer, JSON text, what Step Functions puts in `Cause` */
    override readonly cause: string,
  ) {
    super(`${errorType}: ${errorMessage}`);
    this.name = "FunctionError";
  }
}

/** An EventBridge event without its envelope's id, time, account and region, which the bus adds. */
export interface BusEvent {
  readonly source: string;
  readonly "detail-type": string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What engines share. */
export interface CloudContext {
  readonly region: string;
  readonly accountId: string;
  readonly clock: Clock;
  readonly iam: IamCheck;
  readonly functions: FunctionInvoker;
  /** `http://127.0.0.1:<port>` */
  endpoint(): string;
  publish(event: BusEvent): void;
  /** folder for data that outlives the process; undefined keeps everything in memory */
  readonly dataDir?: string;
  /** a line for the local cloud's own log file, never secrets */
  log(line: string): void;
}

/** The state machines of the embedded cloud, by ARN. */
import { CountersignError } from "../../errors.js";
import { AwsFault, type CloudContext } from "../types.js";
import { parseDefinition } from "./definition.js";
import { compileMachine, type Machine } from "./machine.js";

export interface StateMachine {
  readonly arn: string;
  readonly name: string;
  readonly roleArn: string;
  /** the definition's JSON text, as given */
  readonly definition: string;
  readonly creationDateMs: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly machine: Machine;
}

export interface NewStateMachine {
  readonly name: string;
  readonly roleArn: string;
  readonly definition: string;
  readonly tags: Readonly<Record<string, string>>;
}

export class StateMachines {
  private readonly byArn = new Map<string, StateMachine>();

  constructor(private readonly context: CloudContext) {}

  arnOf(name: string): string {
    const { region, accountId } = this.context;
    return `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;
  }

  /** Checks, compiles and keeps a machine; the same name replaces it. Throws `CountersignError` CS-125x. */
  create(request: NewStateMachine): StateMachine {
    const arn = this.arnOf(request.name);
    const machine = compileMachine(parseDefinition(request.definition));
    const created: StateMachine = { ...request, arn, machine, creationDateMs: this.context.clock.now() };
    this.byArn.set(arn, created);
    return created;
  }

  find(arn: string): StateMachine | undefined {
    return this.byArn.get(arn);
  }

  /** Throws `AwsFault` StateMachineDoesNotExist. */
  get(arn: string): StateMachine {
    const found = this.byArn.get(arn);
    if (found === undefined) throw new AwsFault("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
    return found;
  }

  all(): StateMachine[] {
    return [...this.byArn.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** `AwsFault` InvalidDefinition for a definition fault; anything else as it is. */
export function definitionFault(error: unknown): unknown {
  if (!(error instanceof CountersignError)) return error;
  return new AwsFault("InvalidDefinition", `Invalid State Machine Definition: '${error.toString()}'`);
}

/** Workflow variables: a branch or iteration reads those around it and keeps its own. */
import { StateFailure } from "./failure.js";
import { exceedsBytes, MAX_ASSIGN_BYTES, MAX_VARIABLES_BYTES } from "./limits.js";

/** Values assigned together, with their JSON texts. */
export interface AssignedValues {
  readonly values: Readonly<Record<string, unknown>>;
  readonly json: Readonly<Record<string, string>>;
}

export class Variables {
  private values: Readonly<Record<string, unknown>>;
  private sizes: Readonly<Record<string, number>> = {};

  constructor(private readonly outer: Variables | undefined) {
    this.values = outer?.values ?? {};
  }

  /** All variables that can be read here, by name. */
  all(): Readonly<Record<string, unknown>> {
    return this.values;
  }

  /** Takes over the values of one Assign. Throws `StateFailure` over the limits. */
  assign({ values, json }: AssignedValues): void {
    const texts = Object.entries(json);
    if (texts.reduce((sum, [, text]) => sum + text.length * 3, 0) > MAX_ASSIGN_BYTES) {
      const sizeBytes = texts.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
      if (sizeBytes > MAX_ASSIGN_BYTES)
        throw tooLarge(`the values of one Assign have ${sizeBytes} bytes`, MAX_ASSIGN_BYTES);
    }
    this.values = { ...this.values, ...values };
    this.sizes = { ...this.sizes, ...Object.fromEntries(texts.map(([name, text]) => [name, text.length])) };
    if (this.totalSize() > MAX_VARIABLES_BYTES)
      throw tooLarge("all variables together are too large", MAX_VARIABLES_BYTES);
  }

  private totalSize(): number {
    const own = Object.values(this.sizes).reduce((sum, size) => sum + size, 0);
    return own + (this.outer?.totalSize() ?? 0);
  }
}

function tooLarge(what: string, limitBytes: number): StateFailure {
  return new StateFailure("States.DataLimitExceeded", `${what}; at most ${limitBytes} are allowed`);
}

/** The JSON text of one variable. Throws `StateFailure` when it is over 256 KiB. */
export function variableJson(name: string, value: unknown): string {
  const json = JSON.stringify(value);
  if (exceedsBytes(json, MAX_ASSIGN_BYTES)) throw tooLarge(`the variable ${name} is too large`, MAX_ASSIGN_BYTES);
  return json;
}

/** What a tool's own code throws to say how it failed. Anything else that it throws counts as final, effect unknown. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  constructor(
    /** the outside system's code or one of your own, e.g. `charge_not_found` */
    readonly code: string,
    message: string,
    readonly options: {
      /** whether the same call can succeed a little later */
      readonly retryable: boolean;
      /** false only when this attempt certainly did nothing; a lost answer means true. What an earlier attempt may have done stays possible. */
      readonly effectPossible: boolean;
    },
  ) {
    super(message);
  }
  get retryable(): boolean {
    return this.options.retryable;
  }
  get effectPossible(): boolean {
    return this.options.effectPossible;
  }
}

/** One thing wrong with a state machine definition. */
export interface DefinitionFault {
  /** of `lib/errors/interpreter.ts` */
  readonly code: string;
  /** the state's name; undefined for the machine itself */
  readonly state: string | undefined;
  /** the field inside the state, e.g. `Retry[0]/ErrorEquals` */
  readonly field: string;
  readonly message: string;
}

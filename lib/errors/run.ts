import type { ErrorEntry } from "../errors.js";

const user = (summary: string) => ({ kind: "user", retryable: false, summary }) as const;
const system = (summary: string, retryable = false) => ({ kind: "system", retryable, summary }) as const;

/** CS-30xx: the front door and the gate. CS-31xx: why a proposal or an action goes no further; the code begins the reason. */
export const runErrors = {
  "CS-3001": {
    kind: "user",
    retryable: true,
    summary: "the workflow is stopped: no run is admitted until it is resumed",
  },
  "CS-3002": user("the tenant is not one of the contract's"),
  "CS-3003": user("the run's input does not fit the contract's input schema"),
  "CS-3004": user("the run's input is too large or nested too deeply"),
  "CS-3005": user("the run's input is older than the contract allows, or from the future"),
  "CS-3006": user("another open run has the same unique input"),
  "CS-3007": { kind: "user", retryable: true, summary: "the day's budget is leased or spent" },
  "CS-3010": system("there is no RunStarted for this execution: it was started around the front door"),
  "CS-3012": system("the step is not the one that the log awaits: the run has gone past it, or it never came"),
  "CS-3013": system("the step was recorded with another proposal than it is repeated with"),
  "CS-3014": system("a value read back is not the one that the log recorded"),
  "CS-3016": system("the step asks for a decision, but nobody is being asked"),
  "CS-3017": system("an exposure counter grew while the action was decided: decide again", true),
  "CS-3018": system("the effects ledger holds other arguments than the permit"),
  "CS-3019": system("the shell handed over less than the decision needs"),
  "CS-3020": system("a value that canonical JSON cannot write"),
  "CS-3021": system("arguments and nonces do not belong together"),
  "CS-3101": user("the agent answered with prose where an action was due"),
  "CS-3102": user("the agent named a tool that the contract does not have"),
  "CS-3103": user("the agent's arguments do not fit the tool's schema"),
  "CS-3104": user("the agent proposed several actions at once"),
  "CS-3105": user("the agent's answer was empty"),
  "CS-3106": user("the agent's answer was too large"),
  "CS-3107": user("the agent finished with an outcome that the contract does not list"),
  "CS-3108": user("the agent's answer was not well-formed"),
  "CS-3109": system("the model could not be called, or failed", true),
  "CS-3111": user("the workflow is stopped"),
  "CS-3112": user("a limit of the contract is reached: steps, tool calls, calls per minute or run time"),
  "CS-3113": user("the run's input has become too old"),
  "CS-3114": user("input and looked-up facts contradict each other, or were not compared yet"),
  "CS-3115": user("an earlier call that the tool requires has not succeeded in this run"),
  "CS-3116": user("the action is not the plan's next step"),
  "CS-3117": user("text that leaves the company holds a sensitive value or something like a secret"),
  "CS-3118": user("the preview failed, so nobody can see what would happen"),
  "CS-3119": user("the run's budget is used up"),
  "CS-3120": user("the policies deny the action with any number of approvals"),
  "CS-3121": user("a person rejected the action"),
  "CS-3122": user("nobody decided in time, which denies the action"),
  "CS-3123": user("people decided, but what they were shown no longer holds"),
  "CS-3124": user("the autonomy level is observe: the action is recorded as a recommendation and does not run"),
  "CS-3125": user("the outcome of the write before is unknown: a person has to look"),
  "CS-3126": user("too few people may approve: the requester does not count"),
  "CS-3127": user("a tool answered with output that does not fit its schema"),
  "CS-3128": system("a tool's function ended before it claimed its effect"),
  "CS-3129": system("a tool's function ended after it claimed its effect and before it stored an outcome"),
} satisfies Record<string, ErrorEntry>;

export type RunErrorCode = keyof typeof runErrors;

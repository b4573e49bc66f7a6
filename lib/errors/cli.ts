import type { ErrorEntry } from "../errors.js";

export const cliErrors = {
  "CS-5000": {
    kind: "system",
    retryable: false,
    summary: "an unexpected failure, or a refusal of AWS in its own words",
  },
  "CS-5001": { kind: "user", retryable: false, summary: "no such workflow in this project" },
  "CS-5002": { kind: "user", retryable: false, summary: "the file cannot be read or is not JSON" },
  "CS-5003": { kind: "user", retryable: false, summary: "the stage or workflow is not deployed" },
  "CS-5004": { kind: "user", retryable: true, summary: "the local cloud is not running" },
  "CS-5005": { kind: "user", retryable: false, summary: "there is no such run" },
  "CS-5006": { kind: "user", retryable: false, summary: "an option's value is not allowed" },
  "CS-5007": { kind: "user", retryable: false, summary: "a name for a new workflow is taken or not allowed" },
  "CS-5008": {
    kind: "user",
    retryable: false,
    summary: "the request was refused by the workflow's front door or the approval desk",
  },
  "CS-5009": { kind: "user", retryable: false, summary: "the contract has faults" },
  "CS-5010": { kind: "user", retryable: false, summary: "a scenario file is not valid" },
  "CS-5011": { kind: "system", retryable: false, summary: "synthesis failed" },
  "CS-5012": { kind: "user", retryable: true, summary: "a local cloud of this project runs already" },
  "CS-5013": { kind: "user", retryable: false, summary: "there is no approval of this id on the stage" },
  "CS-5014": { kind: "user", retryable: false, summary: "the run was shredded: its sealed values are gone for good" },
  "CS-5015": {
    kind: "system",
    retryable: false,
    summary: "a value of the vault is not the one that the log is committed to, or is missing: nothing was shown",
  },
  "CS-5016": { kind: "user", retryable: false, summary: "the run has no such sealed field" },
  "CS-5018": { kind: "user", retryable: false, summary: "who took part in a run does not review it" },
  "CS-5017": { kind: "user", retryable: true, summary: "the run is still open: it needs its key" },
  "CS-5090": {
    kind: "user",
    retryable: false,
    summary: "the tests on AWS were not asked for, or no credentials were found for them",
  },
  "CS-5091": {
    kind: "system",
    retryable: true,
    summary:
      "resources of the tests on AWS could not be created, or are still there after them: remove those that are named",
  },
} satisfies Record<string, ErrorEntry>;

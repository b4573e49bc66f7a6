import type { ErrorEntry } from "../errors.js";

/** IAM and DynamoDB of the embedded cloud. Properties that are not modelled are CS-4030, as for every other engine. */
export const localdataErrors = {
  "CS-4020": {
    kind: "user",
    retryable: false,
    summary:
      "a role uses an AWS managed policy that the embedded cloud does not know: write the grant into the template",
  },
  "CS-4021": {
    kind: "user",
    retryable: false,
    summary: "two roles, policies or tables of the template claim the same name",
  },
  "CS-4022": { kind: "user", retryable: false, summary: "a policy is attached to a role that no template creates" },
  "CS-4023": {
    kind: "user",
    retryable: false,
    summary:
      "a table's property has a value that the embedded cloud does not model (replicas elsewhere, indexes, keys)",
  },
  "CS-4024": {
    kind: "system",
    retryable: false,
    summary: "the journal of the local tables is damaged: start with --fresh, or restore the file",
  },
  "CS-4025": {
    kind: "user",
    retryable: true,
    summary: "another embedded cloud uses the same data folder: stop it first",
  },
  "CS-4026": {
    kind: "user",
    retryable: false,
    summary: "stored items do not fit the table that the template describes now: start with --fresh",
  },
} satisfies Record<string, ErrorEntry>;

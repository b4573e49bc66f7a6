import type { ErrorEntry } from "../errors.js";

/** Errors of the embedded cloud's service engines: S3, KMS, Secrets Manager, SES, Verified Permissions, Bedrock. */
export const servicesErrors = {
  "CS-4030": {
    kind: "user",
    retryable: false,
    summary: "a template sets a resource property that the embedded cloud does not model, or gives it a wrong value",
  },
  "CS-4031": { kind: "user", retryable: false, summary: "two resources of the template claim the same name" },
  "CS-4032": {
    kind: "user",
    retryable: false,
    summary: "a resource refers to another that the template does not create, or creates later",
  },
  "CS-4033": {
    kind: "user",
    retryable: false,
    summary: "Verified Permissions would refuse this Cedar schema",
  },
  "CS-4034": {
    kind: "user",
    retryable: false,
    summary: "Verified Permissions would refuse this Cedar policy",
  },
  "CS-4035": { kind: "user", retryable: false, summary: "an operation that the embedded cloud does not model" },
  "CS-4036": {
    kind: "user",
    retryable: false,
    summary: "a request member or header that the embedded cloud does not model",
  },
  "CS-4037": {
    kind: "system",
    retryable: false,
    summary: "a file of the local data folder is damaged; start with --fresh",
  },
  "CS-4040": {
    kind: "user",
    retryable: false,
    summary: "the model was called, but no recorded turn answers this request",
  },
  "CS-4041": { kind: "user", retryable: false, summary: "the value of --model is not understood" },
  "CS-4042": {
    kind: "system",
    retryable: true,
    summary: "the model endpoint could not be reached or gave no valid answer",
  },
} satisfies Record<string, ErrorEntry>;

import type { ErrorEntry } from "../errors.js";

/** Reading the synthesised cloud assembly and creating its resources in the embedded cloud. */
export const templateErrors = {
  "CS-1201": {
    kind: "user",
    retryable: false,
    summary: "the cloud assembly (cdk.out) is missing or unreadable: run `npx cdk synth`",
  },
  "CS-1202": {
    kind: "user",
    retryable: false,
    summary:
      "a file of the cloud assembly does not have the expected shape: synthesise again with the repository's CDK",
  },
  "CS-1203": {
    kind: "user",
    retryable: false,
    summary: "an asset named by a template is missing, or packaged in a way the embedded cloud does not run",
  },
  "CS-1204": {
    kind: "user",
    retryable: false,
    summary: "the stacks name more than one account or region; the embedded cloud is one account in one region",
  },
  "CS-1205": {
    kind: "user",
    retryable: false,
    summary: "a chosen stack is not in the assembly, or stacks depend on each other in a cycle",
  },
  "CS-1210": {
    kind: "user",
    retryable: false,
    summary: "the templates use something the embedded cloud does not model; the message lists every place",
  },
  "CS-1211": { kind: "user", retryable: false, summary: "resources of one stack depend on each other in a cycle" },
  "CS-1213": {
    kind: "user",
    retryable: false,
    summary: "a resource has a property, or a value of one, that the embedded cloud does not model",
  },
} satisfies Record<string, ErrorEntry>;

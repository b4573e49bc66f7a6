import type { ErrorEntry } from "../errors.js";

/** The Step Functions interpreter of the embedded cloud: definitions, the state machine resource, conformance cases. */
export const interpreterErrors = {
  "CS-1250": {
    kind: "user",
    retryable: false,
    summary: "a state machine definition is not JSON of the expected shape",
  },
  "CS-1251": {
    kind: "user",
    retryable: false,
    summary: "a state uses JSONPath: the embedded cloud runs the JSONata query language only",
  },
  "CS-1252": { kind: "user", retryable: false, summary: "a state has a field that the interpreter does not model" },
  "CS-1253": { kind: "user", retryable: false, summary: "a state type or task resource that is not modelled" },
  "CS-1254": {
    kind: "user",
    retryable: false,
    summary: "the state graph is broken: a missing target, an unreachable state or a state without Next and End",
  },
  "CS-1255": {
    kind: "user",
    retryable: false,
    summary: "a JSONata expression that Step Functions (2.0.6) cannot parse",
  },
  "CS-1256": {
    kind: "user",
    retryable: false,
    summary: "an expression reads a variable or function that does not exist at that place",
  },
  "CS-1257": { kind: "user", retryable: false, summary: "HeartbeatSeconds is not smaller than TimeoutSeconds" },
  "CS-1258": { kind: "user", retryable: false, summary: "a field of a state has a value that is not allowed" },
  "CS-1260": {
    kind: "user",
    retryable: false,
    summary: "AWS::StepFunctions::StateMachine has a property or value that the embedded cloud does not model",
  },
  "CS-1264": {
    kind: "user",
    retryable: false,
    summary: "a folder of conformance cases is not there, is no folder or holds no case",
  },
  "CS-1265": { kind: "user", retryable: false, summary: "a conformance case file does not have the documented shape" },
} satisfies Record<string, ErrorEntry>;

/** What the shells call, in the order of a step. */
export { admit } from "./admission.js";
export { assess } from "./assess.js";
export { dayDoc, dayLeftMicroUsd, leaseDay, returnLease } from "./budget.js";
export { closeRun } from "./close.js";
export { decide } from "./decide.js";
export { counterDoc, counterName, holdExposure, releaseExposure, settleExposure } from "./exposure.js";
export { requestSuffix, runName, uniqueHash } from "./names.js";
export { nextPolicyQuestion } from "./policy.js";
export { readsFor } from "./read.js";
export { recordedAnswer } from "./recorded.js";
export { foldRun } from "./state.js";
export { isoTime, localDay } from "./time.js";

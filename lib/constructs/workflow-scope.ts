/** What the parts of one workflow have in common. */
import type { Contract } from "../contract/model.js";
import type { WorkflowBundles } from "./bundle.js";
import type { ControlPlane } from "./control-plane.js";
import type { FunctionNames } from "./names.js";

export interface WorkflowScope {
  readonly contract: Contract;
  /** SHA-256, hex */
  readonly contractHash: string;
  readonly stage: string;
  readonly names: FunctionNames;
  readonly bundles: WorkflowBundles;
  readonly plane: ControlPlane;
}

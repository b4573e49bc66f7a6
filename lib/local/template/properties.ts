import type * as z from "zod";
import { CountersignError } from "../../errors.js";
import type { ResourceRequest } from "../types.js";

/**
 * The properties of a resource as its schema says. Use a strict object, so that a property which is not modelled is
 * refused instead of ignored.
 *
 * @throws CountersignError CS-1213 naming every property at fault
 */
export function parseProperties<T>(schema: z.ZodType<T>, request: ResourceRequest): T {
  const result = schema.safeParse(request.properties);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => {
    const path = ["Properties", ...issue.path.map(String)].join(".");
    return { path, problem: issue.message };
  });
  throw new CountersignError(
    "CS-1213",
    `${request.stackName}/${request.logicalId} (${request.type}): ${faults.map((f) => `${f.path}: ${f.problem}`).join("; ")}`,
    { faults },
  );
}

/** The one function that a team's module must export. */
import { CountersignError } from "../errors.js";

export function teamFunction(
  module: Readonly<Record<string, unknown>>,
  name: string,
  file: string,
): (...args: readonly unknown[]) => Promise<unknown> {
  const exported = module[name];
  if (typeof exported !== "function")
    throw new CountersignError(
      "CS-3210",
      `${file}: exports no function \`${name}\`; write \`export const ${name} = async (…) => …\``,
    );
  return async (...args) => exported(...args);
}

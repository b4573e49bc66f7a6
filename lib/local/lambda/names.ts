import { AwsFault } from "../types.js";

/**
 * The function's name in any form Lambda accepts: `name`, `name:$LATEST`, `account:function:name`, a full ARN, with or
 * without qualifier. Versions and aliases other than `$LATEST` do not exist here.
 *
 * @throws AwsFault 404 `ResourceNotFoundException` for another qualifier
 */
export function functionName(reference: string): string {
  const marker = reference.indexOf("function:");
  const rest = marker < 0 ? reference : reference.slice(marker + "function:".length);
  const [name = "", qualifier] = rest.split(":");
  if (qualifier !== undefined && qualifier !== "$LATEST") throw notFound(reference);
  return name;
}

export function notFound(reference: string): AwsFault {
  return new AwsFault("ResourceNotFoundException", `Function not found: ${reference}`, 404, { Type: "User" });
}

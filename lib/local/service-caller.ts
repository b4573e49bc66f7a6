import type { Caller } from "./types.js";

/**
 * An AWS service that calls on behalf of one of its resources.
 *
 * @param service e.g. `events.amazonaws.com`
 * @param sourceArn the rule or route: `aws:SourceArn` of the call
 */
export function serviceCaller(service: string, sourceArn: string, accountId: string): Caller {
  return { principalArn: service, sessionArn: service, accountId, service, sourceArn };
}

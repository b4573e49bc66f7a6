/** The approvals table with its requests opened: for the desk, which shows them whole to who is signed in. */
import type { Approvals } from "../aws/approvals.js";
import type { ViewStore } from "../aws/view-store.js";
import { sameJson } from "../run/canonical.js";
import { withheldView } from "../run/withheld.js";
import { Refusal } from "./refusal.js";

/** Reading a request throws Refusal CS-2132 when the whole of it is gone, CS-2112 when it is not the one that the row is a form of. */
export function openedApprovals<A extends Pick<Approvals, "readRequest">>(
  approvals: A,
  views: Pick<ViewStore, "read">,
): A {
  return {
    ...approvals,
    async readRequest(ref) {
      const row = await approvals.readRequest(ref);
      if (row?.withheld === undefined) return row;
      const whole = await views.read(ref);
      if (whole === undefined)
        throw new Refusal(
          "CS-2132",
          410,
          "approval: what was asked is not kept any more (30 days, or the run was shredded); it cannot be shown or decided",
        );
      if (!sameJson({ ...withheldView(whole) }, { ...row }))
        throw new Refusal(
          "CS-2112",
          409,
          "approval: the stored request is not a form of what the gate wrote, so it cannot be shown or decided; tell the workflow's owner",
        );
      return whole;
    },
  };
}

/** The same as who holds only a link may see it: without sensitive values, and under the same hashes. */
export function withheldApprovals<A extends Pick<Approvals, "readRequest">>(opened: A): A {
  return {
    ...opened,
    async readRequest(ref) {
      const whole = await opened.readRequest(ref);
      return whole === undefined ? undefined : withheldView(whole);
    },
  };
}

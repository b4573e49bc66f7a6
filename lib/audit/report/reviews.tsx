/** What people found who reviewed the run afterwards. It is no part of the run's own record. */
import type { FC } from "hono/jsx";
import { Text } from "./parts.js";

export interface ReportReview {
  /** UTC ISO */
  readonly at: string;
  readonly by: string;
  readonly verdict: "ok" | "concern";
  readonly note: string;
}

export const Reviews: FC<{ reviews: readonly ReportReview[] }> = ({ reviews }) => (
  <>
    <h2>Reviews</h2>
    {reviews.length === 0 ? <p class="soft">Nobody has reviewed this run.</p> : null}
    {reviews.map(({ at, by, verdict, note }) => (
      <p>
        <strong>{verdict === "ok" ? "Nothing to object to" : "A concern"}</strong>: <Text text={note} />{" "}
        <span class="soft">
          <Text text={by} />, {at.slice(0, 16).replace("T", " ")} UTC
        </span>
      </p>
    ))}
  </>
);

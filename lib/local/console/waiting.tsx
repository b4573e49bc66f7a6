/** What waits for people, on the console's first page. */
import type { FC } from "hono/jsx";
import { type Moment, SkipForm } from "./time.js";

/** A question that people have not answered yet. */
export interface WaitingRow {
  readonly approvalId: string;
  readonly title: string;
  readonly runId: string;
  readonly approvers: readonly string[];
  readonly needed: number;
  readonly approvedBy: readonly string[];
  /** UTC ISO */
  readonly deadline: string;
  /** what comes of itself, soonest first */
  readonly moments: readonly Moment[];
}
/** `token`: of forms that put the time forward; undefined where nobody may. */
export const WaitingList: FC<{ waiting: readonly WaitingRow[]; token: string | undefined }> = ({ waiting, token }) =>
  waiting.length === 0 ? (
    <p>Nothing waits for people.</p>
  ) : (
    <table>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Run</th>
          <th scope="col">Asked</th>
          <th scope="col">Approved</th>
          <th scope="col">Until (UTC)</th>
          {token !== undefined && <th scope="col">Do not wait</th>}
        </tr>
      </thead>
      <tbody>
        {waiting.map((one) => (
          <tr>
            <td>{one.title}</td>
            <td data-label="Run">{one.runId}</td>
            <td data-label="Asked">
              {one.approvers.join(", ")}, links and codes in the <a href="/mailbox">mailbox</a>
            </td>
            <td data-label="Approved">
              {one.approvedBy.length} of {one.needed}
            </td>
            <td data-label="Until (UTC)">{one.deadline.slice(0, 16).replace("T", " ")}</td>
            {token !== undefined && (
              <td>
                <SkipForm waiting={one} token={token} />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );

/** The local console's pages: runs, one run, captured mail. Server-rendered, no script; everything from outside is escaped by JSX. */
import type { Child, FC } from "hono/jsx";
import type { RecordedEvent } from "../../run/events.js";
import { describeEvent } from "./describe.js";
import { SLACK_STYLE } from "./slack-blocks.js";

export interface RunRow {
  readonly workflow: string;
  readonly tenant: string;
  readonly runId: string;
  readonly startedAt: string;
  /** `open`, `waiting for people`, or the outcome's status */
  readonly status: string;
}
export interface MailRow {
  readonly id: string;
  readonly at: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** hostile; empty when there is none */
  readonly html: string;
}

const STYLE = `
:root { color-scheme: light dark; --edge: color-mix(in srgb, CanvasText 25%, Canvas); --soft: color-mix(in srgb, CanvasText 6%, Canvas); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem; }
nav a { margin-right: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--edge); vertical-align: top; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: .4rem; }
th { white-space: nowrap; overflow-wrap: normal; }
.quiet { color: color-mix(in srgb, CanvasText 75%, Canvas); }
.note { background: var(--soft); padding: .6rem 1rem; border-radius: .4rem; }
form.skip { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; }
form.skip button { font: inherit; font-size: .85rem; padding: .2rem .6rem; min-height: 1.9rem; cursor: pointer; }
iframe.mail { width: 100%; height: 46rem; border: 1px solid var(--edge); border-radius: .4rem; background: #fff; }
${SLACK_STYLE}`;

export const Page: FC<{ title: string; stage: string; children?: Child }> = ({ title, stage, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{`${title} · Countersign local`}</title>
      <link rel="stylesheet" href="/console/style.css" />
    </head>
    <body>
      <nav aria-label="Console">
        <a href="/">Runs</a>
        <a href="/mailbox">Mailbox</a>
        <span class="quiet">local cloud · stage {stage} · no AWS account is used</span>
      </nav>
      <main>
        <h1>{title}</h1>
        {children}
      </main>
    </body>
  </html>
);

export const RunList: FC<{ runs: readonly RunRow[] }> = ({ runs }) =>
  runs.length === 0 ? (
    <p>
      No runs yet. Start one:{" "}
      <code>
        npx countersign run start billing-dispute --local --input workflows/billing-dispute/examples/dispute.json
      </code>
    </p>
  ) : (
    <table>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Workflow</th>
          <th scope="col">Tenant</th>
          <th scope="col">Started (UTC)</th>
          <th scope="col">Status</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr>
            <td>
              <a href={`/console/runs/${run.workflow}/${run.tenant}/${run.runId}`}>{run.runId}</a>
            </td>
            <td>{run.workflow}</td>
            <td>{run.tenant}</td>
            <td>{run.startedAt.slice(0, 19).replace("T", " ")}</td>
            <td>{run.status}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );

export const RunPage: FC<{ events: readonly RecordedEvent[]; verdict: string; report: string }> = ({
  events,
  verdict,
  report,
}) => (
  <>
    <p>
      {verdict} · <a href={report}>Report</a>
    </p>
    <table>
      <thead>
        <tr>
          <th scope="col">#</th>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Event</th>
          <th scope="col">What</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <tr>
            <td>{event.seq}</td>
            <td>{event.at.slice(11, 23)}</td>
            <td>{event.type}</td>
            <td>
              {describeEvent(event)}
              <details>
                <summary class="quiet">record</summary>
                <pre>{JSON.stringify(event, null, 2)}</pre>
              </details>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </>
);

export const MailList: FC<{ mails: readonly MailRow[] }> = ({ mails }) =>
  mails.length === 0 ? (
    <p>No mail yet: an approver gets one when a run asks.</p>
  ) : (
    <table>
      <thead>
        <tr>
          <th scope="col">To</th>
          <th scope="col">Subject</th>
          <th scope="col">Sent (UTC)</th>
        </tr>
      </thead>
      <tbody>
        {mails.map((mail) => (
          <tr>
            <td>{mail.to.join(", ")}</td>
            <td>
              <a href={`/mailbox/${mail.id}`}>{mail.subject}</a>
            </td>
            <td>{mail.at.slice(0, 19).replace("T", " ")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );

export { STYLE };

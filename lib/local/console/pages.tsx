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
:root { color-scheme: light dark; --ground: #fff; --text: #1a1c20; --quiet: #50555e; --link: #0b57d0; --edge: #c9cdd4; --soft: #f4f5f7; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181c; --text: #eceef1; --quiet: #b4bac4; --link: #8ab4ff; --edge: #444a54; --soft: #20242a; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem; background: var(--ground); color: var(--text); overflow-wrap: anywhere; }
a { color: var(--link); }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 .5rem; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 .5rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; border-bottom: 1px solid var(--edge); padding-bottom: .6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--edge); vertical-align: top; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: .4rem; }
th { white-space: nowrap; overflow-wrap: normal; }
.quiet { color: var(--quiet); }
.note { background: var(--soft); padding: .6rem 1rem; border-radius: .4rem; }
form.skip { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; }
form.skip button { font: inherit; font-size: .85rem; padding: .2rem .6rem; min-height: 1.9rem; cursor: pointer; border: 1px solid var(--quiet); border-radius: .3rem; background: var(--soft); color: var(--text); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
@media (max-width: 44rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tr { border-bottom: 1px solid var(--edge); padding: .5rem 0; }
  td { border: 0; padding: .1rem 0; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); }
}
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
            <td data-label="Workflow">{run.workflow}</td>
            <td data-label="Tenant">{run.tenant}</td>
            <td data-label="Started (UTC)">{run.startedAt.slice(0, 19).replace("T", " ")}</td>
            <td data-label="Status">{run.status}</td>
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
            <td data-label="#">{event.seq}</td>
            <td data-label="Time (UTC)">{event.at.slice(11, 23)}</td>
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
            <td data-label="To">{mail.to.join(", ")}</td>
            <td>
              <a href={`/mailbox/${mail.id}`}>{mail.subject}</a>
            </td>
            <td data-label="Sent (UTC)">{mail.at.slice(0, 19).replace("T", " ")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );

export { STYLE };

/** The local console as a Hono application, and as a handler of the wire (which answers on loopback names only). */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { CONTENT_SECURITY_POLICY } from "../../audit/report/style.js";
import type { RecordedEvent } from "../../run/events.js";
import type { WebHandler } from "../wire/wire.js";
import { formGuard } from "./guard.js";
import { MailPage, mailFrame } from "./mail.js";
import { MailList, type MailRow, Page, RunList, RunPage, type RunRow, STYLE } from "./pages.js";
import { type ConsoleSlack, SlackList, slackRoutes } from "./slack.js";
import { AheadNote, type ConsoleTime, timeRoutes } from "./time.js";
import { WaitingList, type WaitingRow } from "./waiting.js";

export interface ConsoleData {
  readonly stage: string;
  runs(): Promise<readonly RunRow[]>;
  /** undefined when there is no such run */
  run(
    workflow: string,
    tenant: string,
    runId: string,
  ): Promise<{ readonly events: readonly RecordedEvent[]; readonly verdict: string } | undefined>;
  /** the run's report, a whole HTML document; undefined when there is no such run */
  report(workflow: string, tenant: string, runId: string): Promise<string | undefined>;
  waiting(): Promise<readonly WaitingRow[]>;
  mails(): readonly MailRow[];
  slack(): ConsoleSlack | undefined;
  /** absent where nobody may move the cloud's time */
  readonly time?: ConsoleTime;
}

export function consoleApp(data: ConsoleData): Hono {
  const app = new Hono();
  const guard = formGuard();
  // before the other pages' headers: its one style is inline, and allowed by its hash
  app.get("/console/runs/:workflow/:tenant/:run/report", async (context) => {
    const { workflow, tenant, run } = context.req.param();
    const report = await data.report(workflow, tenant, run);
    if (report === undefined) return context.text("no such run", 404, { "x-content-type-options": "nosniff" });
    return context.html(report, 200, {
      "content-security-policy": `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
  });
  // Before the console's own rules: a mail has stricter ones, and stands in a frame.
  app.route("/", mailFrame(data.mails));
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        frameSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: "no-referrer",
    }),
  );
  app.get("/console/style.css", (context) => context.body(STYLE, 200, { "content-type": "text/css" }));
  app.get("/", async (context) => {
    const [waiting, runs] = await Promise.all([data.waiting(), data.runs()]);
    return context.html(
      <Page title="Local console" stage={data.stage}>
        <AheadNote aheadMs={data.time?.aheadMs() ?? 0} />
        <h2>Waiting for people</h2>
        <WaitingList waiting={waiting} token={data.time === undefined ? undefined : guard.token} />
        <h2>Runs</h2>
        <RunList runs={runs} />
      </Page>,
    );
  });
  app.get("/console/runs/:workflow/:tenant/:run", async (context) => {
    const { workflow, tenant, run } = context.req.param();
    const found = await data.run(workflow, tenant, run);
    if (found === undefined) return context.html(<Page title="No such run" stage={data.stage} />, 404);
    return context.html(
      <Page title={run} stage={data.stage}>
        <RunPage {...found} report={`/console/runs/${workflow}/${tenant}/${run}/report`} />
      </Page>,
    );
  });
  app.get("/mailbox", (context) =>
    context.html(
      <Page title="Mailbox" stage={data.stage}>
        <h2>Slack</h2>
        <SlackList messages={newestFirst(data.slack()?.list() ?? [])} members={data.slack()?.members ?? []} />
        <h2>Mail</h2>
        <MailList mails={newestFirst(data.mails())} />
      </Page>,
    ),
  );
  app.get("/mailbox.json", (context) => context.json(newestFirst(data.mails())));
  slackRoutes(app, { stage: data.stage, slack: data.slack, guard });
  timeRoutes(app, { stage: data.stage, guard, time: data.time, waiting: () => data.waiting() });
  app.get("/mailbox/:id", (context) => {
    const mail = data.mails().find((candidate) => candidate.id === context.req.param("id"));
    if (mail === undefined) return context.html(<Page title="No such mail" stage={data.stage} />, 404);
    return context.html(
      <Page title={mail.subject} stage={data.stage}>
        <MailPage mail={mail} />
      </Page>,
    );
  });
  return app;
}

/** The console behind the wire; a path that is not its own is left to others. */
export function consoleHandler(data: ConsoleData): WebHandler {
  const app = consoleApp(data);
  return async (request) => {
    const response = await app.request(`http://127.0.0.1${request.target}`, {
      method: request.method,
      headers: request.headers,
      ...(request.body.length === 0 ? {} : { body: request.body }),
    });
    if (response.status === 404 && response.headers.get("content-type")?.startsWith("text/plain") === true)
      return undefined;
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    };
  };
}

const newestFirst = <T,>(all: readonly T[]): readonly T[] => [...all].reverse();

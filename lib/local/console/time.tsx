/** Buttons that put the local cloud's time forward, so that reminders, escalations and deadlines can be seen without waiting for them. */
import type { Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import * as z from "zod";
import type { FormGuard } from "./guard.js";
import { Page } from "./pages.js";

/** What comes of itself while a question waits. */
export interface Moment {
  readonly kind: "reminder" | "escalation" | "deadline";
  /** UTC ISO */
  readonly at: string;
}
export interface ConsoleTime {
  /** how far the cloud's time is ahead of this machine's */
  aheadMs(): number;
  /** goes to each of these times (epoch ms) and lets what it sets off end */
  through(momentsMs: readonly number[]): Promise<void>;
}
interface Waiting {
  readonly approvalId: string;
  /** in order of time */
  readonly moments: readonly Moment[];
}
interface TimePages {
  readonly stage: string;
  readonly guard: FormGuard;
  /** absent where nobody may move the time */
  readonly time: ConsoleTime | undefined;
  waiting(): Promise<readonly Waiting[]>;
}

const skipForm = z.object({ token: z.string(), to: z.string().max(40) });

export function timeRoutes(app: Hono, { stage, guard, time, waiting }: TimePages): void {
  app.post("/console/waiting/:approval/skip", async (context) => {
    const form = skipForm.safeParse(await context.req.parseBody());
    if (time === undefined || !form.success || !guard.isOurs(context, form.data.token))
      return problem(context, stage, 403, "The form is not this console's, or is older than its start.");
    const question = (await waiting()).find(({ approvalId }) => approvalId === context.req.param("approval"));
    // Only to what a question that waits has before it: the time does not go back, so nobody sends it far ahead by accident.
    const last = question?.moments.findIndex(({ at }) => at === form.data.to) ?? -1;
    if (question === undefined || last < 0) return problem(context, stage, 404, "That is over, or was never to come.");
    await time.through(question.moments.slice(0, last + 1).map(({ at }) => Date.parse(at)));
    return context.redirect("/", 303);
  });
}

const problem = (context: Context, stage: string, status: 403 | 404, text: string) =>
  context.html(
    <Page title="The time was not changed" stage={stage}>
      <p>{text}</p>
      <p>
        <a href="/">Back to the runs</a>
      </p>
    </Page>,
    status,
  );

const WORDS = { reminder: "the reminder", escalation: "the escalation", deadline: "the deadline" } as const;

export const SkipForm: FC<{ waiting: Waiting; token: string }> = ({ waiting, token }) => (
  <form method="post" action={`/console/waiting/${waiting.approvalId}/skip`} class="skip">
    <input type="hidden" name="token" value={token} />
    {waiting.moments.map(({ kind, at }) => (
      <button type="submit" name="to" value={at}>
        Skip to {WORDS[kind]}, {at.slice(11, 16)}
      </button>
    ))}
  </form>
);

/** Says so when the cloud's time is not this machine's any more. */
export const AheadNote: FC<{ aheadMs: number }> = ({ aheadMs }) =>
  aheadMs === 0 ? null : (
    <p class="note" role="status">
      The local cloud's time is {Math.floor(aheadMs / 3_600_000)} h {Math.floor(aheadMs / 60_000) % 60} min ahead of
      this machine's, for every run in it. The next <code>npm start</code> is back at this machine's time.
    </p>
  );

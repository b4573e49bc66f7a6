/** A captured mail as a mail program draws it: its HTML in a frame that runs nothing, and its text part. */
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import type { MailRow } from "./pages.js";

/** Links open in a window of their own, which is no longer held by the frame's rules. Scripts, forms and the rest do not work. */
export const SANDBOX = "allow-popups allow-popups-to-escape-sandbox";

/** `/mailbox/<id>/html`: nothing of the mail is loaded from anywhere, and no script runs, also when it is opened by itself. */
export function mailFrame(mails: () => readonly MailRow[]): Hono {
  const app = new Hono();
  app.get("/mailbox/:id/html", (context: Context) => {
    const mail = mails().find(({ id }) => id === context.req.param("id"));
    if (mail === undefined || mail.html === "") return context.text("no such mail", 404);
    return context.html(mail.html, 200, {
      "content-security-policy": `sandbox ${SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'`,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
  });
  return app;
}

const LINK = /(https?:\/\/[^\s<>"]+)/;

export const MailPage: FC<{ mail: MailRow }> = ({ mail }) => (
  <>
    <p>
      To {mail.to.join(", ")}, {mail.at.slice(0, 19).replace("T", " ")} UTC
    </p>
    {mail.html !== "" && (
      <iframe class="mail" title={`Mail: ${mail.subject}`} sandbox={SANDBOX} src={`/mailbox/${mail.id}/html`} />
    )}
    <h2>Text part</h2>
    <pre>
      {mail.text.split(LINK).map((part) =>
        LINK.test(part) ? (
          <a href={part} rel="noreferrer">
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </pre>
  </>
);

/** The frame of every page, and the small parts they share. */
import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { visible } from "../../lib/approval/visible.js";
import { STYLE } from "./style.js";

export function Page({ title, children }: { readonly title: string; readonly children: Child }) {
  return (
    <>
      {raw("<!DOCTYPE html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex, nofollow" />
          <meta name="color-scheme" content="light dark" />
          <link rel="icon" href="data:," />
          <title>{title}</title>
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          <main>{children}</main>
        </body>
      </html>
    </>
  );
}

/** Text in which nothing hides; see lib/approval/visible.ts. */
export function Exact({ text }: { readonly text: string }) {
  if (text === "") return <i class="soft">empty</i>;
  return (
    <span class="value">
      {visible(text).map((segment) =>
        segment.mark === undefined ? (
          segment.text
        ) : (
          <span class="mark" title={segment.mark} role="img" aria-label={segment.mark}>
            {segment.text}
          </span>
        ),
      )}
    </span>
  );
}

/** In place of what is sensitive, for who holds only a link. */
export const AfterSignIn = () => <i class="soft">(only after sign-in)</i>;

export interface Problem {
  readonly code: string;
  readonly message: string;
}

export function Alert({ code, message }: Problem) {
  return (
    <p class="note alert" role="alert">
      <strong>{code}</strong> {message}
    </p>
  );
}

export function ProblemPage(problem: Problem) {
  return (
    <Page title={`${problem.code}: nothing was decided`}>
      <h1>This cannot be shown or decided</h1>
      <Alert {...problem} />
      <p class="soft">Nothing happens without an approval: no answer means no.</p>
    </Page>
  );
}

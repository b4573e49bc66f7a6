/** One run as one HTML file: self-contained, without script, inert whatever the record holds, and fit to print. */

import { raw } from "hono/html";
import type { FC } from "hono/jsx";
import { drawn } from "../../approval/visible.js";
import type { RecordedEvent } from "../../run/events.js";
import { usdText } from "../../run/money.js";
import { type ReportFacts, reportFacts } from "./facts.js";
import { Hash, Pairs, Text, Values } from "./parts.js";
import { type ReportReview, Reviews } from "./reviews.js";
import { Step } from "./steps.js";
import { CONTENT_SECURITY_POLICY, STYLE } from "./style.js";
import { timelineOf } from "./timeline.js";
import { TimelineFigure } from "./timeline-figure.js";
import { type CallAnswer, callAnswers, summaryOf } from "./words.js";

export interface PolicyTexts {
  /** by `@id` */
  readonly texts: ReadonlyMap<string, { readonly reason: string; readonly text: string }>;
  /** of the set that the texts are from; null when there are none */
  readonly setHash: string | null;
}
export interface ReportInput {
  /** one run's, in order */
  readonly events: readonly RecordedEvent[];
  readonly policies: PolicyTexts;
  /** of `run verify`: whether it holds, and its words */
  readonly verdict: { readonly ok: boolean; readonly summary: string };
  /** of those who looked at it afterwards; left out where they are not known, as in an export */
  readonly reviews?: readonly ReportReview[];
  /** UTC ISO */
  readonly madeAt: string;
}

/** What the parts did not mark already, in names and ids of the record: no character hides or turns text around. */
const HIDDEN = /(?!\n)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const marked = (character: string) =>
  `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;

/** @throws CountersignError CS-5130 without events */
export function reportHtml(input: ReportInput): string {
  const facts = reportFacts(input.events);
  return `<!doctype html>\n${String(<Report {...input} facts={facts} />).replace(HIDDEN, marked)}\n`;
}

const Report: FC<ReportInput & { facts: ReportFacts }> = ({ facts, policies, verdict, reviews, madeAt }) => {
  const { record } = facts;
  const title = `Run ${record.run_id}: ${record.outcome.status ?? "open"}`;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={CONTENT_SECURITY_POLICY} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>{drawn(title)}</title>
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <main>
          <p class="soft">
            Countersign · run report · {record.workflow} · tenant {record.tenant_id} · stage{" "}
            {facts.started?.data.stage ?? "unknown"}
          </p>
          <h1>{drawn(title)}</h1>
          <div class={`verdict${verdict.ok ? "" : " no"}`}>
            <strong>{verdict.ok ? "The record holds" : "The record does not hold"}:</strong>{" "}
            <Text text={verdict.summary} />
          </div>
          <h2>In words</h2>
          {summaryOf(facts).map((sentence) => (
            <p>
              <Text text={sentence} />
            </p>
          ))}
          <h2>Timeline</h2>
          <TimelineFigure timeline={timelineOf(facts)} />
          <h2>If something went wrong: four answers for each call that ran</h2>
          <Answers answers={callAnswers(facts)} />
          <h2>What came in</h2>
          {facts.started === undefined ? (
            <p class="soft">The input of a refused run is not recorded.</p>
          ) : (
            <Values value={facts.started.data.input} />
          )}
          <h2>Step by step</h2>
          <PolicyNote facts={facts} policies={policies} />
          {facts.turns.map((turn) => (
            <Step turn={turn} policies={policies} />
          ))}
          {reviews === undefined ? null : <Reviews reviews={reviews} />}
          <h2>Cost</h2>
          <Cost facts={facts} />
          <h2>Hashes</h2>
          <Hashes facts={facts} />
          <p class="soft">
            Made {madeAt.slice(0, 19).replace("T", " ")} UTC from {facts.events.length} records. This file loads nothing
            and runs nothing. Check the record itself with <code>countersign run verify</code>.
          </p>
        </main>
      </body>
    </html>
  );
};

const Answers: FC<{ answers: readonly CallAnswer[] }> = ({ answers }) =>
  answers.length === 0 ? (
    <p>No tool call ran.</p>
  ) : (
    answers.map((answer) => (
      <section class="answer" aria-label={`Answers for step ${answer.turn}`}>
        <h3>
          Step {answer.turn}: <Text text={answer.tool} />
        </h3>
        <Pairs
          rows={[
            [
              "which context was used",
              <>
                {answer.context.join("; ")}. Context object <Hash hash={answer.contextHash} />
              </>,
            ],
            [
              "which policy allowed it",
              `${answer.policies.join(", ") || "none"}${answer.approvals.length === 0 ? "" : `, with the approval of ${answer.approvals.join(" and ")}`}`,
            ],
            [
              "which call was executed",
              <>
                <Text text={answer.tool} />: <Text text={answer.result} />
              </>,
            ],
            [
              "which checks passed that should have caught it",
              <>
                {answer.passed.join(", ")}.{answer.untrusted ? " Text from outside had been read before." : ""} The
                agent said it was {answer.confidencePercent} % sure.
              </>,
            ],
          ]}
        />
      </section>
    ))
  );

const PolicyNote: FC<{ facts: ReportFacts; policies: PolicyTexts }> = ({ facts, policies }) => {
  const recorded = facts.started?.data.policy_set_hash;
  if (recorded === undefined || policies.setHash === recorded) return "";
  return (
    <p class="bad">
      {policies.setHash === null
        ? "The policies' texts were not at hand when this was made."
        : "The policies' texts below are of another policy set than the one that decided: make the report in the project as it was deployed then."}
    </p>
  );
};

const Cost: FC<{ facts: ReportFacts }> = ({ facts: { turns, started, record } }) => (
  <table>
    <thead>
      <tr>
        <th scope="col">Step</th>
        <th scope="col">Model</th>
        <th scope="col" class="number">
          Tokens in
        </th>
        <th scope="col" class="number">
          Tokens out
        </th>
        <th scope="col" class="number">
          USD
        </th>
      </tr>
    </thead>
    <tbody>
      {turns.map(({ turn, proposed, finished, invalid }) => {
        const said = (proposed ?? finished ?? invalid)?.data;
        return (
          <tr>
            <td>{turn}</td>
            <td>{said?.model ?? ""}</td>
            <td class="number">{said?.prompt_tokens ?? 0}</td>
            <td class="number">{said?.completion_tokens ?? 0}</td>
            <td class="number">{usdText(said?.cost_micro_usd ?? 0)}</td>
          </tr>
        );
      })}
      <tr>
        <th scope="row" colspan={2}>
          Of a budget of {usdText(started?.data.budget_micro_usd ?? 0)} USD
        </th>
        <td class="number">{record.cost.prompt_tokens}</td>
        <td class="number">{record.cost.completion_tokens}</td>
        <td class="number">{record.cost.usd}</td>
      </tr>
    </tbody>
  </table>
);

const Hashes: FC<{ facts: ReportFacts }> = ({ facts: { started, events, head } }) => (
  <>
    <Pairs
      rows={[
        ...(started === undefined
          ? []
          : [
              ["contract", <Hash hash={started.data.contract_hash} />] as const,
              ["policy set", <Hash hash={started.data.policy_set_hash} />] as const,
              ["input", <Hash hash={started.data.input_hash} />] as const,
            ]),
        ["head of the chain", <Hash hash={head} />],
      ]}
    />
    <table>
      <thead>
        <tr>
          <th scope="col">#</th>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Event</th>
          <th scope="col">Hash</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <tr>
            <td>{event.seq}</td>
            <td>{event.at.slice(0, 23).replace("T", " ")}</td>
            <td>{event.type}</td>
            <td>
              <Hash hash={event.hash} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </>
);

/** Every step: what was proposed, each check, the policies that decided with their text, who was asked, what the tool did. */
import type { FC } from "hono/jsx";
import { durationText } from "../../contract/units.js";
import { type Json, sameJson } from "../../run/canonical.js";
import { commitment, type EventOf } from "../../run/events.js";
import { SENDER } from "../../run/notes.js";
import { type Turn, waitOf } from "./facts.js";
import { Changes, Hash, Pairs, Text, Values } from "./parts.js";
import type { PolicyTexts } from "./report.js";

export const Step: FC<{ turn: Turn; policies: PolicyTexts }> = ({ turn, policies }) => {
  const { proposed, finished, invalid, decisions, requests, edits, returned } = turn;
  const name =
    proposed?.data.tool ?? (finished === undefined ? "no valid action" : `finish as ${finished.data.outcome}`);
  const said = proposed ?? finished ?? invalid;
  return (
    <section class="step" aria-label={`Step ${turn.turn}: ${name}`}>
      <h3>
        {turn.turn}. <Text text={name} />
        <Outcome turn={turn} />
      </h3>
      <p class="soft">
        {said?.at.replace("T", " ").slice(0, 23)} UTC
        {said === undefined
          ? ""
          : ` · ${said.data.model} · ${said.data.prompt_tokens} + ${said.data.completion_tokens} tokens · ${said.data.latency_ms} ms`}
        {proposed === undefined ? "" : ` · ${proposed.data.confidence_percent} % sure, as the agent says`}
      </p>
      {proposed === undefined ? "" : <Values value={proposed.data.args} />}
      {invalid === undefined ? "" : <p class="bad">{invalid.data.detail}</p>}
      {decisions.map((decision) => (
        <Decision decision={decision} policies={policies} />
      ))}
      {requests.map((requested) => (
        <>
          <Asked turn={turn} requested={requested} />
          {edits.map((edit, index) =>
            edit.data.approval_id === requested.data.approval_id ? (
              <Edited edit={edit} before={(edits[index - 1] ?? proposed)?.data.args ?? {}} />
            ) : (
              ""
            ),
          )}
        </>
      ))}
      {returned === undefined ? "" : <Returned returned={returned} />}
    </section>
  );
};

const Outcome: FC<{ turn: Turn }> = ({ turn: { decisions } }) => {
  const last = decisions.at(-1)?.data.decision;
  if (last === undefined) return "";
  const words = { permit: "permitted", ask: "waits for people", deny: "denied", recommend: "recommended, did not run" };
  return <span class={`tag ${last === "permit" ? "good" : last === "deny" ? "bad" : "soft"}`}>{words[last]}</span>;
};

const Decision: FC<{ decision: EventOf<"ActionDecided">; policies: PolicyTexts }> = ({ decision, policies }) => {
  const { data, step } = decision;
  const named = [...new Set([...(data.policy?.determining ?? []), ...(data.policy?.denied_by ?? [])])];
  return (
    <>
      <h4>
        {isAgain(step) ? "Decided again after people answered: " : "Decided: "}
        {data.decision}
        {data.tier === null
          ? ""
          : `, ${data.tier === 0 ? "nobody is asked" : data.tier === 1 ? "one person" : "two people"}`}
      </h4>
      {data.reasons.map((reason) => (
        <p>
          <Text text={reason} />
        </p>
      ))}
      {data.preview === undefined ? "" : <Previewed decision={decision} preview={data.preview} />}
      <ul class="checks" aria-label="Checks">
        {data.checks.map(({ name, result, detail }) => (
          <li class={result === "failed" ? "bad" : result === "skipped" ? "soft" : ""}>
            {result === "passed" ? "✓" : result === "failed" ? "✗" : "–"} {name}{" "}
            {result === "passed" ? "passed" : result}
            {detail === "" || result === "skipped" ? "" : `: ${detail}`}
          </li>
        ))}
      </ul>
      {named.map((id) => (
        <PolicyText
          id={id}
          role={data.policy?.determining.includes(id) === true ? "allowed" : "denied below this number of approvals"}
          policies={policies}
        />
      ))}
      {(data.policy?.errors ?? []).map((error) => (
        <p class="bad">
          <Text text={error} />
        </p>
      ))}
    </>
  );
};

type Preview = NonNullable<EventOf<"ActionDecided">["data"]["preview"]>;

/** What the gate was shown before it decided, and people before they did. */
const Previewed: FC<{ decision: EventOf<"ActionDecided">; preview: Preview }> = ({
  decision: { run_id, seq, step },
  preview: { before, after, notes },
}) => (
  <>
    <h5>{isAgain(step) ? "What it would change by then" : "What it would change"}</h5>
    {isSealed(before) && isSealed(after) ? (
      <p class="soft">
        Sensitive, so in the vault;{" "}
        {sameJson(before, after) ? "before and after are the same" : "before and after differ"}. Break-glass opens it:{" "}
        <code>{`countersign run reveal ${run_id} --seq ${seq} --field preview`}</code>
      </p>
    ) : (
      <Changes before={before} after={after} columns={["Before", "After"]} />
    )}
    {Array.isArray(notes)
      ? notes.map((note) => (
          <p>
            <Text text={String(note)} />
          </p>
        ))
      : ""}
  </>
);

const isSealed = (value: Json) => commitment.safeParse(value).success;
const isAgain = (step: string) => /\.approval(\.\d+)?$/.test(step);

const PolicyText: FC<{ id: string; role: string; policies: PolicyTexts }> = ({ id, role, policies }) => {
  const found = policies.texts.get(id);
  return (
    <>
      <p>
        Policy <code>{id}</code> {role}
        {found === undefined ? "; its text is not at hand" : `: ${found.reason}`}
      </p>
      {found === undefined ? "" : <pre>{found.text}</pre>}
    </>
  );
};

const Asked: FC<{ turn: Turn; requested: EventOf<"ApprovalRequested"> }> = ({ turn, requested: { data, at } }) => {
  const wait = waitOf(turn);
  const about = (event: { readonly data: { readonly approval_id: string } }) =>
    event.data.approval_id === data.approval_id;
  return (
    <>
      <h4>People were asked</h4>
      <Pairs
        rows={[
          ["asked by policy", data.policies.join(", ")],
          ["who may answer", data.approvers.join(", ")],
          ["needed", `${data.needed}${data.typed_confirmation ? ", with the amount or name typed" : ""}`],
          [
            "asked, answer due",
            `${at.slice(0, 19).replace("T", " ")}, ${data.deadline.slice(0, 19).replace("T", " ")} UTC`,
          ],
          ["waited", wait === undefined ? "still waiting" : durationText(wait.toMs - wait.fromMs)],
          ...turn.answers.filter(about).map(
            ({ data: answer }) =>
              [
                answer.approver,
                <>
                  {answer.decision === "approve" ? "approved" : "rejected"}{" "}
                  {answer.decided_at.slice(0, 19).replace("T", " ")} UTC, on the {answer.channel}
                  {answer.method === undefined ? "" : `, shown by ${answer.method}`}
                  {answer.comment === "" ? "" : ": "}
                  <Text text={answer.comment} />
                </>,
              ] as const,
          ),
          ...turn.notes
            .filter(about)
            .map(
              ({ data: note }) =>
                [
                  note.by === SENDER && note.kind === "escalation" ? "told of it" : note.kind,
                  <Text
                    text={`by ${note.by}${note.to === null ? "" : `, to ${note.to}`}, ${note.at.slice(0, 19).replace("T", " ")} UTC${note.code === null ? "" : ` (${note.code})`}`}
                  />,
                ] as const,
            ),
          ...(turn.expired !== undefined && about(turn.expired)
            ? [["nobody else", "the time ran out, which denies"] as const]
            : []),
          ...turn.voids.filter(about).map(({ data: { reason } }) => ["void", <Text text={reason} />] as const),
          [
            "what they saw",
            <>
              hash of the whole page <Hash hash={data.view_hash} />; of what would change{" "}
              <Hash hash={data.preview_hash} />
            </>,
          ],
          ["bound to action", <Hash hash={data.action_hash} />],
        ]}
      />
    </>
  );
};

/** @param before what was proposed, or what an edit before made of it */
const Edited: FC<{ edit: EventOf<"ActionEdited">; before: Json }> = ({ edit: { data }, before }) => (
  <>
    <h4>
      <Text text={`Edited by ${data.editor}`} />: what was asked about from then on
    </h4>
    <p class="soft">
      {data.edited_at.slice(0, 19).replace("T", " ")} UTC, on the {data.channel}, shown by {data.method}
    </p>
    <Changes before={before} after={data.args} columns={["Was", "Became"]} />
  </>
);

const Returned: FC<{ returned: EventOf<"ToolReturned"> }> = ({ returned: { data } }) => (
  <>
    <h4>
      The tool ended: <span class={data.status === "ok" ? "good" : "bad"}>{data.status}</span>
    </h4>
    <p class="soft">
      {data.latency_ms} ms, {data.attempts} {data.attempts === 1 ? "attempt" : "attempts"}
      {data.error === null ? "" : `, ${data.error.code}`}
      {data.untrusted ? ", holds text written outside" : ""}
      {data.effect_possible ? "" : ", changed nothing"}
    </p>
    {data.output === null ? "" : <Values value={data.output} />}
  </>
);

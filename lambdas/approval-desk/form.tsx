/** Code, typed confirmation, comment, and what can be done: decide, ask, hand on, change. Works without a script, one form for all. */
import { othersFor } from "../../lib/approval/act.js";
import { type Field, fieldsOf } from "../../lib/approval/fields.js";
import type { Question } from "../../lib/approval/question.js";
import { cut } from "../../lib/run/cut.js";
import { isoTime } from "../../lib/run/time.js";
import { isWholeAction } from "../../lib/run/withheld.js";
import { Exact } from "./layout.js";

/** What to keep of a refused form; never the code. */
export interface Typed {
  readonly confirmation: string;
  readonly comment: string;
  readonly edited: Readonly<Record<string, string>>;
  /** ISO: a form that is shown again was opened when it was opened first */
  readonly opened: string | undefined;
}
interface FormProps {
  readonly question: Question;
  readonly person: string;
  /** of a session; null where a code shows who it is */
  readonly csrf: string | null;
  readonly typed: Typed | undefined;
  readonly nowMs: number;
}

export function DecisionForm({ question, person, csrf, typed, nowMs }: FormProps) {
  const { view, asked } = question;
  return (
    <form method="post" aria-labelledby="decide" autocomplete="off">
      {/* Enter in a field presses a form's first button: this one, which does nothing, and never Approve. */}
      <button type="submit" disabled hidden />
      <input type="hidden" name="shown" value={asked.view_hash} />
      <input type="hidden" name="opened" value={typed?.opened ?? isoTime(nowMs)} />
      <h2 id="decide">Decide as {person}</h2>
      {view.needed > 1 && <p class="hint">{view.needed} different people must approve; one rejection ends it.</p>}
      <Proof question={question} csrf={csrf} />
      {view.typed_confirmation !== null && (
        <>
          <label for="confirmation">
            Type <code>{view.typed_confirmation}</code> to approve
          </label>
          <p class="hint" id="confirmation-hint">
            This cannot be undone. Leave it empty to reject.
          </p>
          <input
            id="confirmation"
            name="confirmation"
            maxlength={200}
            spellcheck={false}
            aria-describedby="confirmation-hint"
            value={typed?.confirmation ?? ""}
          />
        </>
      )}
      <label for="comment">Comment</label>
      <p class="hint" id="comment-hint">
        Needed to reject. The agent and the record will have it.
      </p>
      <textarea id="comment" name="comment" maxlength={2000} aria-describedby="comment-hint">
        {typed?.comment ?? ""}
      </textarea>
      <div class="actions">
        <button class="approve" type="submit" name="decision" value="approve">
          Approve
        </button>
        <button class="reject" type="submit" name="decision" value="reject">
          Reject
        </button>
      </div>
      <Others question={question} person={person} nowMs={nowMs} />
      <Edit question={question} typed={typed} />
    </form>
  );
}

/** What shows that it is them. */
function Proof({ question, csrf }: Pick<FormProps, "question" | "csrf">) {
  if (csrf !== null) return <input type="hidden" name="csrf" value={csrf} />;
  if (question.asked.sign_in === "code") return <CodeField />;
  return (
    <p class="hint" id="code-hint">
      The code of the mail is not enough here: <SignInLink question={question} words="sign in" />, decide in Slack, or
      on the command line.
    </p>
  );
}

/** Back to this question, for who is signed in. */
function SignInLink({ question: { ref }, words }: Pick<FormProps, "question"> & { readonly words: string }) {
  return <a href={`/sign-in?to=/inbox/${ref.workflow}/${ref.approvalId}`}>{words}</a>;
}

/** For who holds only a link, where something sensitive is left out. */
export function SomeIsHidden({ question }: Pick<FormProps, "question">) {
  if (question.view.withheld === undefined && isWholeAction(question.view)) return null;
  return (
    <p class="note">
      Some of this is sensitive and is not shown to who holds only the link.{" "}
      <SignInLink question={question} words="Sign in to see all of it" />
      {isWholeAction(question.view) ? "." : " and to decide: the code of the mail is not enough here."}
    </p>
  );
}

function CodeField() {
  return (
    <>
      <label for="code">Code from your mail</label>
      <p class="hint" id="code-hint">
        Eight letters and digits. It shows that a person read the mail and not a program.
      </p>
      <input
        class="code"
        id="code"
        name="code"
        required
        maxlength={16}
        autocapitalize="characters"
        spellcheck={false}
        autocomplete="one-time-code"
        aria-describedby="code-hint"
      />
    </>
  );
}

/** The comment is the question; the clock goes on in either case. */
function Others({ question, person, nowMs }: Pick<FormProps, "question" | "person" | "nowMs">) {
  const { owner } = question.view;
  const others = othersFor(question, person, nowMs);
  return (
    <details>
      <summary>Ask first, or let somebody else decide</summary>
      {owner !== null && (
        <>
          <p class="hint">
            Write your question into the comment. {owner.name} ({owner.email}) is asked, and the answer appears here.
            The time to decide goes on.
          </p>
          <button class="plain" type="submit" name="decision" value="ask">
            Ask {owner.name}
          </button>
        </>
      )}
      {others.length > 0 && (
        <>
          <label for="to">Hand the decision to</label>
          <p class="hint" id="to-hint">
            They are sent a mail of their own. You cannot decide then any more.
          </p>
          <select id="to" name="to" aria-describedby="to-hint">
            {others.map((other) => (
              <option value={other}>{other}</option>
            ))}
          </select>
          <button class="plain" type="submit" name="decision" value="delegate">
            Hand it on
          </button>
        </>
      )}
    </details>
  );
}

function Edit({ question, typed }: Pick<FormProps, "question" | "typed">) {
  const { view } = question;
  const fields = fieldsOf(view.args, Object.keys(view.nonces));
  if (fields.length === 0) return null;
  const open = Object.keys(typed?.edited ?? {}).some(
    (name) => typed?.edited[name] !== fields.find((field) => field.name === name)?.value,
  );
  return (
    <details open={open}>
      <summary>Change the arguments before approving</summary>
      <p class="hint" id="edit-hint">
        That makes another action. It is checked from the start, and you and the others are asked about it again, with
        what it would change. What the agent proposed stays on record.
      </p>
      {fields.map((field, index) => (
        <EditField field={field} id={`edit-${index}`} typed={typed?.edited[field.name]} />
      ))}
      <button class="plain" type="submit" name="decision" value="edit" aria-describedby="edit-hint">
        Propose this instead
      </button>
    </details>
  );
}

function EditField({
  field,
  id,
  typed,
}: {
  readonly field: Field;
  readonly id: string;
  readonly typed: string | undefined;
}) {
  const { name, kind, label } = field;
  const value = typed ?? field.value;
  return (
    <>
      <label for={id}>
        <Exact text={label} />
      </label>
      {kind === "boolean" && (
        <select id={id} name={name}>
          {["true", "false"].map((option) => (
            <option value={option} selected={option === value}>
              {option}
            </option>
          ))}
        </select>
      )}
      {kind === "long-text" && (
        <textarea id={id} name={name} spellcheck={false}>
          {/* A form drops the first line end of a text area. */}
          {value.startsWith("\n") ? `\n${value}` : value}
        </textarea>
      )}
      {(kind === "text" || kind === "number") && (
        <input
          id={id}
          name={name}
          value={value}
          spellcheck={false}
          inputmode={kind === "number" ? "decimal" : "text"}
        />
      )}
    </>
  );
}

/** A form of its own: it needs no code, and gives none to who asks. */
export function FreshCode({ address }: { readonly address: string }) {
  return (
    <form method="post" class="small">
      <p class="hint">No code, or it does not work any more? A fresh one can be sent to {address}.</p>
      <button class="plain" type="submit" name="decision" value="code">
        Send a fresh code
      </button>
    </form>
  );
}

/** For the run's owner: answers, decides nothing. */
export function AnswerForm({ question, typed }: Pick<FormProps, "question" | "typed">) {
  const open = question.acts.filter((act) => act.kind === "question");
  const answered = new Set(question.acts.flatMap((act) => (act.kind === "answer" ? [act.question] : [])));
  return (
    <form method="post" aria-labelledby="answer" autocomplete="off">
      <button type="submit" disabled hidden />
      <h2 id="answer">Answer</h2>
      <p class="hint">
        You are asked as the owner of this workflow. What you write is shown to everybody who may decide.
      </p>
      <CodeField />
      <label for="question">Question</label>
      <select id="question" name="question">
        {open.map(({ id, by, text }) => (
          <option value={id} selected={!answered.has(id)}>
            {by}: {cut(text, 100)}
          </option>
        ))}
      </select>
      <label for="comment">Answer</label>
      <textarea id="comment" name="comment" maxlength={2000}>
        {typed?.comment ?? ""}
      </textarea>
      <div class="actions">
        <button class="approve" type="submit" name="decision" value="answer">
          Answer
        </button>
      </div>
    </form>
  );
}

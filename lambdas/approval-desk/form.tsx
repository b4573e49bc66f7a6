/** Code, typed confirmation, comment, and the two buttons. Works without a script. */
import type { ApprovalView } from "../../lib/run/protocol.js";

/** What to keep of a refused form; never the code. */
export interface Typed {
  readonly confirmation: string;
  readonly comment: string;
}
interface DecisionFormProps {
  readonly view: ApprovalView;
  readonly approver: string;
  readonly typed: Typed | undefined;
}

export function DecisionForm({ view, approver, typed }: DecisionFormProps) {
  return (
    <form method="post" aria-labelledby="decide" autocomplete="off">
      {/* Enter in a field presses a form's first button: this one, which does nothing, and never Approve. */}
      <button type="submit" disabled hidden />
      <h2 id="decide">Decide as {approver}</h2>
      {view.needed > 1 && <p class="hint">{view.needed} different people must approve; one rejection ends it.</p>}
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
    </form>
  );
}

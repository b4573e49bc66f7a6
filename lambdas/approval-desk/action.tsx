/** What would happen: changes, arguments, reasons, and who says what. Everything whole, nothing hidden. */
import { argumentRows } from "../../lib/approval/argument-rows.js";
import { changesOf, currencyOf, shownAmount } from "../../lib/approval/changes.js";
import { clockText } from "../../lib/approval/times.js";
import { usdText } from "../../lib/run/money.js";
import type { ApprovalView } from "../../lib/run/protocol.js";
import { AfterSignIn, Exact } from "./layout.js";

interface ViewProps {
  readonly view: ApprovalView;
}

/** Whether this part is left out of what is shown: who holds only a link sees nothing sensitive. */
function isHidden({ withheld, page_only: pageOnly, sensitive_paths: paths }: ApprovalView, part: "preview" | "says") {
  if (withheld === undefined) return false;
  return pageOnly?.includes(part) === true || (part === "preview" && paths.length > 0);
}

export function Changes({ view }: ViewProps) {
  if (view.preview === null) return <p class="soft">This tool has no preview.</p>;
  if (isHidden(view, "preview"))
    return (
      <section aria-labelledby="changes">
        <h2 id="changes">What changes</h2>
        <AfterSignIn />
      </section>
    );
  const changes = changesOf(view.preview);
  const changed = changes.filter((change) => change.changed);
  const same = changes.filter((change) => !change.changed);
  return (
    <section aria-labelledby="changes">
      <h2 id="changes">What changes</h2>
      {changed.length === 0 ? (
        <p>Nothing, as far as the preview can tell.</p>
      ) : (
        <table class="changes">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {changed.map(({ field, before, after }) => (
              <tr>
                <th scope="row">
                  <Exact text={field} />
                </th>
                <td class="was">{before === undefined ? <i class="soft">not there</i> : <Exact text={before} />}</td>
                <td class="will">{after === undefined ? <i class="soft">removed</i> : <Exact text={after} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {view.preview.notes.length > 0 && (
        <ul>
          {view.preview.notes.map((note) => (
            <li>
              <Exact text={note} />
            </li>
          ))}
        </ul>
      )}
      {same.length > 0 && (
        <details>
          <summary>{same.length} unchanged</summary>
          <Pairs pairs={same.map(({ field, after }) => [field, after ?? ""])} />
        </details>
      )}
    </section>
  );
}

interface ArgumentsProps extends ViewProps {
  readonly id?: string;
  readonly title?: string;
}

export function Arguments({ view, id = "arguments", title }: ArgumentsProps) {
  const pairs = argumentRows(view);
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {title ?? (
          <>
            All arguments of <code>{view.tool}</code>
          </>
        )}
      </h2>
      {title === undefined && <p class="soft">{view.tool_description}</p>}
      {pairs.length === 0 ? <p>None.</p> : <Pairs pairs={pairs} />}
    </section>
  );
}

/** `null`: something sensitive, for who holds only a link. */
function Pairs({ pairs }: { readonly pairs: readonly (readonly [string, string | null])[] }) {
  return (
    <table class="pairs">
      <tbody>
        {pairs.map(([name, value]) => (
          <tr>
            <th scope="row">
              <Exact text={name} />
            </th>
            <td>{value === null ? <AfterSignIn /> : <Exact text={value} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Reasons({ view }: ViewProps) {
  return (
    <section aria-labelledby="because">
      <h2 id="because">Why you are asked</h2>
      {view.because.map(({ policy_id: id, reason, text }) => (
        <div>
          <p>
            Policy <code>{id}</code>
            {reason === "" ? "" : ": "}
            {reason}
          </p>
          {text !== "" && (
            <details>
              <summary>Text of the policy</summary>
              <pre>{text}</pre>
            </details>
          )}
        </div>
      ))}
      {view.because.length === 0 && <p>The workflow's policies want a person for this action.</p>}
      <h2>What it is based on</h2>
      {view.based_on.length === 0 ? (
        <p>Nothing was looked up in this run.</p>
      ) : (
        <ul>
          {view.based_on.map(({ tool, subject, at, untrusted }) => (
            <li>
              <code>{tool}</code> <Exact text={subject} />, {clockText(at, view.time_zone)}{" "}
              {untrusted && <span class="tag">untrusted text</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function AgentSays({ view }: ViewProps) {
  return (
    <section aria-labelledby="says">
      <h2 id="says">
        What the agent says <span class="tag">unverified</span>
      </h2>
      {isHidden(view, "says") ? (
        <AfterSignIn />
      ) : view.says === null || view.says === "" ? (
        <p>Nothing.</p>
      ) : (
        <blockquote>
          <Exact text={view.says} />
        </blockquote>
      )}
      <p class="soft">
        {view.agent} is {view.confidence_percent} % sure, by its own account.
      </p>
    </section>
  );
}

/** `customer_day_cents` → `customer, today`; counts say so. */
function sumLabel(name: string): string {
  const [scope = name, unit = ""] = [name.replace(/_[a-z]+$/, ""), /_([a-z]+)$/.exec(name)?.[1]];
  const words = scope.replace(/_day$/, ", today").replaceAll("_", " ").replace(/^run$/, "this run");
  return unit === "count" ? `${words}: actions` : words;
}

export function Sums({ view }: ViewProps) {
  const exposure = Object.entries(view.exposure);
  const currency = currencyOf(view.preview?.after ?? {});
  return (
    <section aria-labelledby="sums">
      <h2 id="sums">So far, with this action</h2>
      <table class="pairs">
        <tbody>
          {exposure.map(([name, sum]) => (
            <tr>
              <th scope="row">{sumLabel(name)}</th>
              <td>{shownAmount(name, sum, currency)}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">spent on this run</th>
            <td>
              {usdText(view.spent_micro_usd)} of {usdText(view.budget_micro_usd)} USD
            </td>
          </tr>
        </tbody>
      </table>
    </section>
  );
}

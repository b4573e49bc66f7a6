/** Small parts of the report: text in which nothing hides, values, hashes, tables of pairs. */
import type { Child, FC } from "hono/jsx";
import { currencyOf, leaves, shownAmount, textOf } from "../../approval/changes.js";
import { visible } from "../../approval/visible.js";
import { isJsonObject, type Json } from "../../run/canonical.js";

export const Text: FC<{ text: string }> = ({ text }) => (
  <span class="value">
    {visible(text).map((segment) =>
      segment.mark === undefined ? (
        segment.text
      ) : (
        <span class="mark" title={segment.mark}>
          {segment.text}
        </span>
      ),
    )}
  </span>
);

export const Hash: FC<{ hash: string | null }> = ({ hash }) =>
  hash === null ? <span class="soft">none</span> : <span class="hash">{hash}</span>;

export const Pairs: FC<{ caption?: string; rows: readonly (readonly [string, Child])[] }> = ({ rows }) => (
  <table class="pairs">
    <tbody>
      {rows.map(([name, value]) => (
        <tr>
          <th scope="row">
            <Text text={name} />
          </th>
          <td>{value}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

/** Every value by its path; a commitment says that the value is in the vault. */
export const Values: FC<{ value: Json }> = ({ value }) => {
  const rows = [...shown(value)].map(([path, leaf]): readonly [string, Child] => [path, leaf.drawn]);
  return rows.length === 0 ? <p class="soft">none</p> : <Pairs rows={rows} />;
};

/** Field by field: what it was and what it became. Amounts in cents are money too where a currency is named beside them. */
export const Changes: FC<{ before: Json; after: Json; columns: readonly [string, string] }> = ({
  before,
  after,
  columns,
}) => {
  const currency = currencyIn(after) ?? currencyIn(before);
  const [was, is] = [shown(before, currency), shown(after, currency)];
  const isSame = (field: string) => was.get(field)?.content === is.get(field)?.content;
  return (
    <table class="changes">
      <thead>
        <tr>
          <th scope="col">Field</th>
          {columns.map((name) => (
            <th scope="col">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {[...new Set([...was.keys(), ...is.keys()])].map((field) => (
          <tr class={isSame(field) ? "same" : ""}>
            <th scope="row">
              <Text text={field} />
            </th>
            <td>{was.get(field)?.drawn ?? <span class="soft">not there</span>}</td>
            <td>
              {isSame(field) ? (
                <span class="soft">the same</span>
              ) : (
                <strong>{is.get(field)?.drawn ?? "not there any more"}</strong>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

const currencyIn = (value: Json): string | undefined => (isJsonObject(value) ? currencyOf(value) : undefined);

interface Shown {
  readonly content: string;
  readonly drawn: Child;
}
function shown(value: Json, currency?: string): ReadonlyMap<string, Shown> {
  return new Map(
    [...leaves(value)].map(([path, leaf]): [string, Shown] => {
      const content = typeof leaf.value === "string" ? leaf.value : JSON.stringify(leaf.value);
      return path.endsWith("$commitment")
        ? [path.replace(/\.?\$commitment$/, "") || "value", { content, drawn: <Sealed hash={content} /> }]
        : [
            path || "value",
            { content: textOf(leaf.value), drawn: <Text text={shownAmount(path, leaf.value, currency)} /> },
          ];
    }),
  );
}

const Sealed: FC<{ hash: string }> = ({ hash }) => (
  <span class="soft">
    sensitive: in the vault, committed to as <span class="hash">{hash.slice(0, 32)}…</span>
  </span>
);

/** Small parts of the report: text in which nothing hides, values, hashes, tables of pairs. */
import type { Child, FC } from "hono/jsx";
import { leaves, textOf } from "../../approval/changes.js";
import { visible } from "../../approval/visible.js";
import type { Json } from "../../run/canonical.js";

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

/** Field by field: what it was and what it became. */
export const Changes: FC<{ before: Json; after: Json }> = ({ before, after }) => {
  const [was, is] = [shown(before), shown(after)];
  const isSame = (field: string) => was.get(field)?.content === is.get(field)?.content;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Was</th>
          <th scope="col">Became</th>
        </tr>
      </thead>
      <tbody>
        {[...new Set([...was.keys(), ...is.keys()])].map((field) => (
          <tr>
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

interface Shown {
  readonly content: string;
  readonly drawn: Child;
}
function shown(value: Json): ReadonlyMap<string, Shown> {
  return new Map(
    [...leaves(value)].map(([path, leaf]): [string, Shown] => {
      const content = typeof leaf.value === "string" ? leaf.value : JSON.stringify(leaf.value);
      return path.endsWith("$commitment")
        ? [path.replace(/\.?\$commitment$/, "") || "value", { content, drawn: <Sealed hash={content} /> }]
        : [path || "value", { content: textOf(leaf.value), drawn: <Text text={content} /> }];
    }),
  );
}

const Sealed: FC<{ hash: string }> = ({ hash }) => (
  <span class="soft">
    sensitive: in the vault, committed to as <span class="hash">{hash.slice(0, 32)}…</span>
  </span>
);

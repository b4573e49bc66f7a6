/** Small parts of the report: text in which nothing hides, values, hashes, tables of pairs. */
import type { Child, FC } from "hono/jsx";
import { leaves } from "../../approval/changes.js";
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
  const rows = [...leaves(value)].map(([path, leaf]): readonly [string, Child] =>
    path.endsWith("$commitment")
      ? [path.replace(/\.?\$commitment$/, "") || "value", <Sealed hash={String(leaf.value)} />]
      : [path || "value", <Text text={typeof leaf.value === "string" ? leaf.value : JSON.stringify(leaf.value)} />],
  );
  return rows.length === 0 ? <p class="soft">none</p> : <Pairs rows={rows} />;
};

const Sealed: FC<{ hash: string }> = ({ hash }) => (
  <span class="soft">
    sensitive: in the vault, committed to as <span class="hash">{hash.slice(0, 32)}…</span>
  </span>
);

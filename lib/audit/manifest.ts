/** The last line of an export: which runs it holds, how many records of each and where each ends. A cut-off file misses it. */
import * as z from "zod";
import { hashJson, sha256Hex } from "../run/canonical.js";
import { isCanonical, type ParsedLine } from "./line.js";

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
export const exportManifest = z.strictObject({
  v: z.literal(1),
  type: z.literal("ExportManifest"),
  runs: z.array(
    z.strictObject({
      /** `<workflow>#<tenant>#<run id>` */
      run: z.string(),
      events: z.int().positive(),
      /** hash of the run's last record in the export */
      head: hex64,
      /** hash of the run's last checkpoint in the export; null without one. Older exports have none. */
      checkpoint: hex64.nullable().optional(),
    }),
  ),
  /** number of digests in the export */
  digests: z.int().min(0).optional(),
  /** the export claims to hold every run that its digests list */
  complete: z.boolean().optional(),
  /** SHA-256(JCS(the line without hash)) */
  hash: hex64,
});
export type ExportManifest = z.infer<typeof exportManifest>;

export function manifestOf(
  runs: ExportManifest["runs"],
  evidence: Pick<ExportManifest, "digests" | "complete"> = {},
): ExportManifest {
  const content = { v: 1, type: "ExportManifest", runs, ...evidence } as const;
  return { ...content, hash: hashJson(content) };
}

const compiledManifest = z.compile(exportManifest, { strict: true });

/** The manifest of a canonical line; undefined when it is another text than its hash says. */
export function manifestOfLine(line: ParsedLine): ExportManifest | undefined {
  const parsed = compiledManifest.safeParse(line.value);
  if (!parsed.success || !isCanonical(line)) return undefined;
  // only numbers and flags stand before this member, so the first place is the right one; the rest stands as it was hashed
  const member = `"hash":"${parsed.data.hash}",`;
  const at = line.text.indexOf(member);
  const hashed = sha256Hex(line.text.slice(0, at), line.text.slice(at + member.length));
  return at > 0 && hashed === parsed.data.hash ? parsed.data : undefined;
}

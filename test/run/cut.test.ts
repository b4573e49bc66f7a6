import fc from "fast-check";
import { expect, test } from "vitest";
import { jcs } from "../../lib/run/canonical.js";
import { cut } from "../../lib/run/cut.js";

test("words that are cut can be written down, and are the beginning of what was said", () => {
  expect(cut("ab\u{1f600}c", 3)).toBe("ab");
  expect(cut("a\ud83dbc", 3)).toBe("a\ufffdb");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(20), (text, max) => {
      const kept = cut(text, max);
      expect(kept.length).toBeLessThanOrEqual(max);
      expect(text.startsWith(kept)).toBe(true);
      expect(() => jcs(kept)).not.toThrow();
    }),
  );
});

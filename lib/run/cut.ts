/**
 * Somebody's words, at most so many UTF-16 units of them, as a text that can be written down: a pair of surrogates is not cut in half, and a
 * half that was there before shows as U+FFFD. What canonical JSON cannot write would end the step that wants to write it.
 */
export const cut = (text: string, max: number): string =>
  text
    .slice(0, max)
    .replace(/[\ud800-\udbff]$/, "")
    .replace(/\p{Surrogate}/gu, "\ufffd");

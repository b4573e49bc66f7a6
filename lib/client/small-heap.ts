/**
 * Keeps memory small while a long file is read or written, which makes little that lasts and much that does not. Node lets the space for new
 * objects grow to 48 MB, whatever is in it, and the other one to several times of what is alive before it looks: an auditor's laptop has
 * better use for it. With the first as small as it begins, and a look whenever the second has grown by a fifth, a million events take 60 MB
 * less and no longer (`bench/log.ts`, `bench/export.ts`).
 */
import { setFlagsFromString } from "node:v8";

export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=20");
}

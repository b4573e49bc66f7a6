/** Lines into a file through one buffer that is used again and again: whatever the file's size, memory stays as it is. */
import { type FileHandle, open } from "node:fs/promises";
import { keepHeapSmall } from "./small-heap.js";

const BUFFER_BYTES = 256 * 1024;
/** of UTF-8 for one UTF-16 unit */
const MOST_BYTES = 3;

/** @param written called with the bytes of each write */
export async function writeLines(
  file: string,
  flags: "a" | "w",
  lines: AsyncIterable<string>,
  end: "\n" | "\r\n",
  written: (bytes: number) => void,
): Promise<void> {
  keepHeapSmall();
  const handle = await open(file, flags);
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let used = 0;
  try {
    for await (const line of lines) {
      const most = (line.length + end.length) * MOST_BYTES;
      if (used > 0 && used + most > BUFFER_BYTES) {
        await all(handle, buffer.subarray(0, used));
        written(used);
        used = 0;
      }
      if (most > BUFFER_BYTES) {
        const long = Buffer.from(line + end);
        await all(handle, long);
        written(long.length);
      } else {
        used += buffer.write(line, used);
        used += buffer.write(end, used);
      }
    }
    await all(handle, buffer.subarray(0, used));
    written(used);
  } finally {
    await handle.close();
  }
}

/** A write may take only a part. */
async function all(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length; ) from += (await handle.write(bytes, from)).bytesWritten;
}

/** Requests to S3 and DynamoDB at the same time: enough to hide their latency, few enough for one function's connections. */
const AT_ONCE = 8;

/** Results in the order of the items; the first failure fails all, after what is under way has ended. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Map<number, R>();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index];
      if (item !== undefined) results.set(index, await work(item));
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

/** Ctrl-C, termination and a closed terminal as something to wait for: the first asks for an orderly end, the second ends at once. */
export class Interruption {
  private readonly controller = new AbortController();
  private readonly listener = () => {
    if (this.controller.signal.aborted) process.exit(130);
    this.controller.abort();
  };

  constructor() {
    process.on("SIGINT", this.listener);
    process.on("SIGTERM", this.listener);
    process.on("SIGHUP", this.listener);
  }

  get happened(): boolean {
    return this.controller.signal.aborted;
  }

  /** Resolves when it happens, or after `timeoutMs`. */
  wait(timeoutMs?: number): Promise<void> {
    if (this.happened) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? setInterval(() => {}, 2 ** 30) : setTimeout(done, timeoutMs);
      const { signal } = this.controller;
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done);
    });
  }

  release(): void {
    process.off("SIGINT", this.listener);
    process.off("SIGTERM", this.listener);
    process.off("SIGHUP", this.listener);
  }
}

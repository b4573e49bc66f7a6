/** Runs tasks one after the other, in the order of their arrival. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    // The next task waits for this one, whatever became of it; its failure belongs to its own caller.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Where a union was handled whole: the compiler proves that this is never called; a value that came around the types ends here. */
export function unreachable(what: string, value: never): never {
  throw new TypeError(`unknown ${what}: ${JSON.stringify(value)}`);
}

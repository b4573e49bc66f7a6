import type { AttributeValue } from "../values.js";
import { malformed, type Token, tokenize } from "./lexer.js";

/** Reads a statement's tokens in order and binds its `?` to the parameters. */
export class Cursor {
  readonly #tokens: readonly Token[];
  readonly #parameters: readonly AttributeValue[];
  #at = 0;
  #bound = 0;

  constructor(statement: string, parameters: readonly AttributeValue[]) {
    this.#tokens = tokenize(statement);
    this.#parameters = parameters;
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[this.#at + ahead] ?? this.#tokens.at(-1);
    if (token === undefined) throw malformed("it is empty");
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  isWord(word: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "word" && token.text.toUpperCase() === word;
  }
  isSymbol(symbol: string): boolean {
    const token = this.peek();
    return token.kind === "symbol" && token.text === symbol;
  }

  /** consumes the word or symbol if it comes next */
  takeWord(word: string): boolean {
    return this.isWord(word) && this.next() !== undefined;
  }
  takeSymbol(symbol: string): boolean {
    return this.isSymbol(symbol) && this.next() !== undefined;
  }

  expectWord(word: string): void {
    if (!this.takeWord(word)) throw this.unexpected(word);
  }
  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected(JSON.stringify(symbol));
  }

  /** the next parameter, for a `?` that was just read */
  bind(): AttributeValue {
    const value = this.#parameters[this.#bound++];
    if (value === undefined) throw malformed("Number of parameters in request and statement don't match.");
    return value;
  }

  /** nothing may be left, neither of the statement nor of the parameters */
  finish(): void {
    this.takeSymbol(";");
    if (this.peek().kind !== "end") throw this.unexpected("the end");
    if (this.#bound !== this.#parameters.length) {
      throw malformed("Number of parameters in request and statement don't match.");
    }
  }

  unexpected(wanted: string) {
    const token = this.peek();
    return malformed(`expected ${wanted} at position ${token.at + 1}, found ${JSON.stringify(token.text)}`);
  }
}

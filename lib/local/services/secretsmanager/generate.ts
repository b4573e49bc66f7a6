/** `GenerateSecretString`: a random string of the wanted characters, alone or inside a JSON template. */
import { randomInt } from "node:crypto";
import * as z from "zod";
import { templateBoolean, templateInteger } from "../support/properties.js";

const CLASSES = {
  ExcludeLowercase: "abcdefghijklmnopqrstuvwxyz",
  ExcludeUppercase: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  ExcludeNumbers: "0123456789",
  ExcludePunctuation: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
} as const;
const CLASS_NAMES = ["ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers", "ExcludePunctuation"] as const;

export const generateSecretString = z
  .strictObject({
    PasswordLength: templateInteger.pipe(z.int().min(1).max(4096)).default(32),
    ExcludeCharacters: z.string().max(4096).default(""),
    ExcludeLowercase: templateBoolean.default(false),
    ExcludeUppercase: templateBoolean.default(false),
    ExcludeNumbers: templateBoolean.default(false),
    ExcludePunctuation: templateBoolean.default(false),
    IncludeSpace: templateBoolean.default(false),
    RequireEachIncludedType: templateBoolean.default(true),
    SecretStringTemplate: z.string().optional(),
    GenerateStringKey: z.string().min(1).optional(),
  })
  .refine((value) => (value.SecretStringTemplate === undefined) === (value.GenerateStringKey === undefined), {
    message: "SecretStringTemplate and GenerateStringKey go together",
  })
  .refine((value) => alphabetsOf(value).length > 0, { message: "every character is excluded" })
  .refine((value) => !value.RequireEachIncludedType || value.PasswordLength >= alphabetsOf(value).length, {
    message: "PasswordLength is too short for one character of each type",
  });
export type GenerateSecretString = z.output<typeof generateSecretString>;

const templateObject = z.record(z.string(), z.json());

/** @throws z.ZodError or SyntaxError when SecretStringTemplate is no JSON object */
export function generateSecret(options: GenerateSecretString): string {
  const password = generatePassword(options);
  if (options.SecretStringTemplate === undefined || options.GenerateStringKey === undefined) return password;
  const template = templateObject.parse(JSON.parse(options.SecretStringTemplate));
  return JSON.stringify({ ...template, [options.GenerateStringKey]: password });
}

function generatePassword(options: GenerateSecretString): string {
  const alphabets = alphabetsOf(options);
  const all = alphabets.join("");
  const characters = options.RequireEachIncludedType ? alphabets.map(oneOf) : [];
  while (characters.length < options.PasswordLength) characters.push(oneOf(all));
  return shuffle(characters).join("");
}

interface AlphabetOptions extends Readonly<Record<(typeof CLASS_NAMES)[number] | "IncludeSpace", boolean>> {
  readonly ExcludeCharacters: string;
}
function alphabetsOf(options: AlphabetOptions): string[] {
  const wanted = CLASS_NAMES.filter((name) => !options[name]).map((name) => CLASSES[name]);
  const alphabets: string[] = options.IncludeSpace ? [...wanted, " "] : [...wanted];
  return alphabets
    .map((alphabet) => [...alphabet].filter((character) => !options.ExcludeCharacters.includes(character)).join(""))
    .filter((alphabet) => alphabet !== "");
}

function oneOf(alphabet: string): string {
  return alphabet.charAt(randomInt(alphabet.length));
}

/** Fisher-Yates: the required characters must not stand at the start. */
function shuffle(characters: string[]): string[] {
  for (let i = characters.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    const [a = "", b = ""] = [characters[i], characters[j]];
    characters[i] = b;
    characters[j] = a;
  }
  return characters;
}

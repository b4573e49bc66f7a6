import * as z from "zod";
import { CountersignError } from "../../errors.js";

/** How a rule's target gets its input from the event. */
export const InputProperties = {
  Input: z.string().optional(),
  InputTransformer: z
    .strictObject({ InputPathsMap: z.record(z.string(), z.string()).default({}), InputTemplate: z.string() })
    .optional(),
};
interface InputSettings {
  readonly Input?: string | undefined;
  readonly InputTransformer?:
    | { readonly InputPathsMap: Readonly<Record<string, string>>; readonly InputTemplate: string }
    | undefined;
}
/** The payload for an event. */
export type InputOf = (event: unknown) => unknown;

/** @throws CountersignError CS-1213 for a path or placeholder that is not modelled, or text that is no JSON */
export function compileInput(settings: InputSettings, where: string): InputOf {
  if (settings.Input !== undefined) {
    const constant = parsed(settings.Input, `${where}.Input`);
    return () => constant;
  }
  const { InputTransformer: transformer } = settings;
  if (!transformer) return (event) => event;
  const paths = new Map(
    Object.entries(transformer.InputPathsMap).map(([name, path]) => [
      name,
      pathReader(path, `${where}.InputTransformer.InputPathsMap.${name}`),
    ]),
  );
  const pieces = templatePieces(transformer.InputTemplate);
  for (const piece of pieces) {
    if (piece.kind === "placeholder" && !paths.has(piece.name)) {
      throw new CountersignError(
        "CS-1213",
        `${where}.InputTransformer.InputTemplate: <${piece.name}> is not in InputPathsMap; other placeholders are not modelled`,
      );
    }
  }
  return (event) => {
    const text = pieces.map((piece) =>
      piece.kind === "text" ? piece.text : rendered(paths.get(piece.name)?.(event), piece.insideString),
    );
    return parsed(text.join(""), `${where}.InputTransformer.InputTemplate`);
  };
}

type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "placeholder"; readonly name: string; readonly insideString: boolean };

/** Splits a template at its `<placeholders>` and notes which of them stand inside a JSON string. */
function templatePieces(template: string): Piece[] {
  const pieces: Piece[] = [];
  let insideString = false;
  let at = 0;
  for (const match of template.matchAll(/<([\w.-]+)>/g)) {
    const text = template.slice(at, match.index);
    // Quotes that are not escaped open and close strings.
    if ((text.match(/(?<!\\)"/g) ?? []).length % 2 === 1) insideString = !insideString;
    pieces.push({ kind: "text", text }, { kind: "placeholder", name: match[1] ?? "", insideString });
    at = match.index + match[0].length;
  }
  pieces.push({ kind: "text", text: template.slice(at) });
  return pieces;
}

function rendered(value: unknown, insideString: boolean): string {
  const json = JSON.stringify(value ?? null);
  if (!insideString) return json;
  return typeof value === "string" ? json.slice(1, -1) : JSON.stringify(json).slice(1, -1);
}

/** `$`, `$.detail.status` */
function pathReader(path: string, where: string): (event: unknown) => unknown {
  if (!/^\$(\.[\w-]+)*$/.test(path))
    throw new CountersignError(
      "CS-1213",
      `${where}: ${JSON.stringify(path)} is not modelled; allowed: $ and $.field.field`,
    );
  const names = path.split(".").slice(1);
  return (event) =>
    names.reduce<unknown>(
      (value, name) => (isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined),
      event,
    );
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CountersignError("CS-1213", `${where}: not JSON: ${String(error)}`);
  }
}
function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object";
}

import { FetchError } from "./FetchError.ts";

/** Deeper nesting serves nobody and breaks programs that walk it. */
const MAX_DEPTH = 32;

function refuse(problem: string, cause?: unknown): FetchError<"fetch/json"> {
  return new FetchError("fetch/json", { problem }, { cause });
}

/** How deep brackets nest, outside of strings; stops counting beyond the limit. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (isInString) {
      if (letter === "\\") at += 1;
      else if (letter === '"') isInString = false;
    } else if (letter === '"') isInString = true;
    else if (letter === "{" || letter === "[") {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (letter === "}" || letter === "]") depth -= 1;
  }
  return false;
}

/**
 * JSON of a stranger: strict UTF-8, at most 32 levels deep.
 * @throws FetchError `fetch/json`
 */
export function parseDocument(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw refuse("not UTF-8", error);
  }
  if (isTooDeep(text)) throw refuse(`nested deeper than ${MAX_DEPTH} levels`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw refuse("no JSON", error);
  }
}

/** JSON that people write: any layout, but no member twice, since a reader may see the first one and the program takes the last. */

import { Refusal } from "../refusal.ts";
import type { Json } from "./canonical-json.ts";

/** Refuses with JSON what is none (RFC 8259), and a member that stands twice in one object. */
export function readPlainJson(text: string): Json {
  const value = parsed(text);
  checkMembersOnce(text);
  return value;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new Refusal("JSON", `not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Strings whole, so that nothing within one counts. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/** In text that is JSON, what stands before a colon is a member's name. */
function checkMembersOnce(text: string): void {
  const open: Set<string>[] = [];
  let before = "";
  for (const [token] of text.matchAll(tokens)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const name = JSON.parse(before) as string;
      const seen = open.at(-1) as Set<string>;
      if (seen.has(name)) throw new Refusal("JSON", "a member stands twice", { expected: "each once", got: name });
      seen.add(name);
    }
    before = token;
  }
}

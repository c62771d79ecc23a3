/** A refusal's message as records and files take it: without control characters, at most 2000 characters, never empty. */

import type { RefusalCode } from "../../manifests/refusal.ts";

export function plainMessage({ code, message }: { readonly code: RefusalCode; readonly message: string }): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return message.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?").slice(0, 2000) || code;
}

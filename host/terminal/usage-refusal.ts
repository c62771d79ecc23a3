/** Wrong use of a command line, as the command-line library (commander) tells it, as a refusal like any other. */

import { Refusal } from "../../manifests/refusal.ts";

/** Undefined for what is no fault: help and version. */
export function usageRefusal(fault: {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
}): Refusal | undefined {
  if (fault.exitCode === 0) return undefined;
  if (fault.code === "commander.help") {
    return new Refusal("USAGE", "a command is missing", { expected: "one of the commands above", got: "none" });
  }
  return new Refusal("USAGE", fault.message.replace(/^error: /, "").replace(/\n+/g, " "));
}

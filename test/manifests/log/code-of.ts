import { Refusal } from "../../../manifests/refusal.ts";

/** The code of the refusal that it ends with, or "taken"; what else is thrown passes. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "taken";
  } catch (fault) {
    if (fault instanceof Refusal) return fault.code;
    throw fault;
  }
}

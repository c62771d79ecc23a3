import { Refusal } from "../../../manifests/refusal.ts";

/** The refusal that work ends in; throws when it ends in none. */
export function refusalOf(work: () => unknown): Refusal {
  try {
    work();
  } catch (fault) {
    if (fault instanceof Refusal) return fault;
    throw fault;
  }
  throw new Error("expected a refusal");
}

/** What was looked at before a ceremony, and whether it is well. */

import { asRefusal } from "../../manifests/refusal.ts";

export interface Finding {
  /** what is looked at: a person, a share, the stick */
  readonly about: string;
  readonly state: "well" | "warning" | "missing";
  readonly detail: string;
}

/** Looks; a refusal is something that is missing. What is no refusal passes. */
export async function look(
  about: string,
  act: () => Promise<Omit<Finding, "about">> | Omit<Finding, "about">,
): Promise<Finding> {
  try {
    return { about, ...(await act()) };
  } catch (fault) {
    const { code, message, expected, got } = asRefusal(fault, "INTERNAL", (fault as Error).message);
    const details = [expected && `expected ${expected}`, got && `got ${got}`].filter(Boolean).join("; ");
    return { about, state: "missing", detail: `${code}: ${message}${details ? ` (${details})` : ""}` };
  }
}

export function well(detail: string): Omit<Finding, "about"> {
  return { state: "well", detail };
}

export function warning(detail: string): Omit<Finding, "about"> {
  return { state: "warning", detail };
}

export function missing(detail: string): Omit<Finding, "about"> {
  return { state: "missing", detail };
}

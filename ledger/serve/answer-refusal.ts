/** How a refusal is answered over HTTP: its status, and what of it is told to whom. */

import { refusalJson } from "../../host/terminal/refusal-lines.ts";
import { asRefusal, Refusal, type RefusalCode } from "../../manifests/refusal.ts";

const statuses: Partial<Readonly<Record<RefusalCode, number>>> = {
  USAGE: 400,
  UPLOAD: 400,
  "LOG-FORM": 400,
  CLIENT: 403,
  "LOG-PROOF": 404,
  UNPUBLISHED: 404,
  "LOG-RECORD": 500,
  "LOG-NOTE": 500,
  "LOG-HEAD": 500,
  INTERNAL: 500,
  CONFIG: 500,
};

/** 503 for what may go another time. */
export function statusOf({ code, kind }: Pick<Refusal, "code" | "kind">): number {
  return statuses[code] ?? (kind === "not-now" ? 503 : 422);
}

/** Whether the same may be asked again soon, in seconds. */
export const retryAfter: Partial<Readonly<Record<RefusalCode, number>>> = { BUSY: 5, STOPPED: 10, STORE: 30 };

/** What a client is told. Of faults of the service's own the log says more: their words may hold paths. */
export function refusalBody(refusal: Refusal, status: number) {
  return refusalJson(status >= 500 ? withoutPlaces(refusal) : refusal, "nothing was changed");
}

const general: Partial<Readonly<Record<RefusalCode, string>>> = {
  BUSY: "something else is under way",
  STOPPED: "the service ends, or what was sent took too long; what was taken stays",
  STORE: "the ledger's store, or what is published of it, cannot be used now",
  "LOG-RECORD": "what is published or stored of the log was changed, or is missing",
};

function withoutPlaces({ code }: Refusal): Refusal {
  return new Refusal(code, general[code] ?? "a fault of the service");
}

/** Whatever was thrown, as a refusal; what fastify throws at a request keeps its status. */
export function thrownAt(fault: unknown): { readonly refusal: Refusal; readonly status: number } {
  if (fault instanceof Refusal) return { refusal: fault, status: statusOf(fault) };
  const { message, statusCode = 500 } = fault as { readonly message?: string; readonly statusCode?: number };
  if (statusCode >= 400 && statusCode < 500) {
    const refusal = new Refusal("USAGE", "the request is not understood", { got: message ?? "" });
    return { refusal, status: statusCode };
  }
  return { refusal: asRefusal(fault, "INTERNAL", "a fault of the service"), status: 500 };
}

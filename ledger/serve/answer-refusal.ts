/** How a refusal is answered over HTTP: its status, and what of it is told to whom. */

import { refusalJson } from "../../host/terminal/refusal-lines.ts";
import { asRefusal, Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import { TooMuch } from "./tar-reader.ts";

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
function statusOf({ code, kind }: Pick<Refusal, "code" | "kind">): number {
  return statuses[code] ?? (kind === "not-now" ? 503 : 422);
}

/** Whether the same may be asked again soon, in seconds. */
export const retryAfter: Partial<Readonly<Record<RefusalCode, number>>> = { BUSY: 5, STOPPED: 10, STORE: 30 };

/** A refusal of an upload after its ingest began: `consequence` is what the ingest said of what it had taken by then. */
export class HalfTaken extends Error {
  readonly refusal: Refusal;
  readonly consequence: string;

  constructor(refusal: Refusal, consequence: string) {
    super(refusal.message, { cause: refusal });
    this.refusal = refusal;
    this.consequence = consequence;
  }
}

export interface Thrown {
  readonly refusal: Refusal;
  readonly status: number;
  /** what became of the request; nothing was changed unless it is said */
  readonly consequence?: string;
}

/** What a client is told. Of faults of the service's own the log says more: their words may hold paths. `sends`: the request brought records. */
export function refusalBody({ consequence = "nothing was changed", refusal, status }: Thrown, sends: boolean) {
  const told = refusalJson(status >= 500 ? withoutPlaces(refusal) : refusal, consequence);
  // The code's own words are for whoever stands before the machine.
  if (refusal.code === "USAGE") return { refusal: { ...told.refusal, next: "see /openapi.json" } };
  if (refusal.kind !== "not-now") return told;
  return { refusal: { ...told.refusal, next: sends ? "send the same again" : "ask again" } };
}

const general: Partial<Readonly<Record<RefusalCode, string>>> = {
  BUSY: "something else is under way",
  STOPPED: "the service ends, or what was sent took too long",
  STORE: "the ledger's store, or what is published of it, cannot be used now",
  "LOG-RECORD": "what is published or stored of the log was changed, or is missing",
};

function withoutPlaces({ code }: Refusal): Refusal {
  return new Refusal(code, general[code] ?? "a fault of the service");
}

/** Whatever was thrown, as a refusal; what fastify throws at a request keeps its status. */
export function thrownAt(fault: unknown): Thrown {
  if (fault instanceof HalfTaken) return { ...thrownAt(fault.refusal), consequence: fault.consequence };
  if (fault instanceof TooMuch) return { refusal: fault, status: 413 };
  if (fault instanceof Refusal) return { refusal: fault, status: statusOf(fault) };
  const { message, statusCode = 500 } = fault as { readonly message?: string; readonly statusCode?: number };
  if (statusCode >= 400 && statusCode < 500) {
    const refusal = new Refusal("USAGE", "the request is not understood", { got: message ?? "" });
    return { refusal, status: statusCode };
  }
  return { refusal: asRefusal(fault, "INTERNAL", "a fault of the service"), status: 500 };
}

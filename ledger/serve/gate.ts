/** What stands before every route: how often an address or a client asks, and whether the client may. */

import type { Socket } from "node:net";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type ClientRules, clientFor } from "./clients.ts";
import { Rates } from "./rates.ts";
import type { Route } from "./routes.ts";
import type { ServeSettings } from "./settings.ts";

export interface Passed {
  /** the client's name; undefined: nobody was asked for one */
  readonly client: string | undefined;
}

export interface Stopped {
  readonly refusal: Refusal;
  readonly status: 401 | 403 | 429 | 503;
  /** seconds */
  readonly again?: number;
}

export class Gate {
  readonly #settings: () => ServeSettings;
  /** DER */
  readonly #roots: () => readonly Uint8Array[];
  readonly #rates = new Rates();
  #closed = false;

  constructor(settings: () => ServeSettings, roots: () => readonly Uint8Array[]) {
    this.#settings = settings;
    this.#roots = roots;
  }

  /** Nobody passes any more. */
  close(): void {
    this.#closed = true;
  }

  /** `access`: the route's; where there is no such route, "open". */
  async pass(socket: Socket, access: Route["access"]): Promise<Passed | Stopped> {
    if (this.#closed) {
      return { refusal: new Refusal("STOPPED", "the service ends", { got: "a request" }), status: 503 };
    }
    const { clients, limits, openMetrics, revoked } = this.#settings();
    const tooOften = this.#tooOften(`from ${addressGroup(socket.remoteAddress ?? "")}`, limits.readsPerMinute);
    if (tooOften) return tooOften;
    if (access === "open" || (access === "metrics" && openMetrics)) return { client: undefined };
    const rules: ClientRules = { clients, revoked, roots: this.#roots() };
    const client = await clientFor(socket, access, rules, utcOf(Date.now()));
    if (typeof client !== "string") return client;
    const perMinute = {
      metrics: limits.readsPerMinute,
      search: limits.searchesPerMinute,
      upload: limits.uploadsPerMinute,
    };
    return this.#tooOften(`${access} ${client}`, perMinute[access]) ?? { client };
  }

  #tooOften(who: string, perMinute: number): Stopped | undefined {
    const again = this.#rates.take(who, perMinute, performance.now());
    if (again === 0) return undefined;
    const refusal = new Refusal("BUSY", "asked too often", { expected: `at most ${perMinute} a minute`, got: "more" });
    return { refusal, status: 429, again };
  }
}

/** One subscriber has a whole /64 of IPv6. */
function addressGroup(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [front = "", back] = address.split("::");
  const head = front.split(":").filter(Boolean);
  const tail = back === undefined ? [] : back.split(":").filter(Boolean);
  const all = [...head, ...new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0"), ...tail];
  return all.slice(0, 4).join(":");
}

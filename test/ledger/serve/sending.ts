/** Uploads to a test's service, whole or as a test wants them. */

import { readdirSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type Answer, type Ask, certificateOf, keeper, type TestService, trusted } from "./a-service.ts";

const headers = { "content-type": "application/x-tar" };

export function send(test: TestService, body: Uint8Array, more: Ask = {}): Promise<Answer> {
  return test.ask("/v1/uploads", {
    method: "POST",
    as: keeper,
    ...more,
    body,
    headers: { ...headers, ...more.headers },
  });
}

/** A request of which the test sends what it wants; its answer is the status, or why there was none. */
export function begun(test: TestService, more: Readonly<Record<string, string>>, as = certificateOf(keeper)) {
  const { hostname, port } = new URL(test.service.url);
  const options = { hostname, port, path: "/v1/uploads", method: "POST", agent: false, ...trusted, ...as };
  const sent = request({ ...options, headers: { ...headers, ...more } });
  const answer = new Promise<number | string>((done) => {
    sent.on("response", (response) => done(response.resume().statusCode ?? 0));
    sent.on("error", (fault: NodeJS.ErrnoException) => done(fault.code ?? "error"));
  });
  return { sent, answer };
}

/** What there is of private copies. */
export function copies({ ledger: { folder } }: TestService): readonly string[] {
  try {
    return readdirSync(join(folder, "copies"));
  } catch {
    return [];
  }
}

/** Waits until an upload is being received. */
export async function started(test: TestService): Promise<void> {
  while (copies(test).length === 0) await soon();
}

/** Waits until the log has such a line. */
export async function logged({ log }: TestService, event: string): Promise<Record<string, unknown>> {
  for (;;) {
    const line = log.find((one) => one.event === event);
    if (line) return line;
    await soon();
  }
}

export function soon(): Promise<void> {
  return new Promise((done) => setTimeout(done, 10));
}

/** Faults of the store: what a caller sees, and when the box stops. */

import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { guarded } from "../../../appliance/signer/guarded.ts";
import type { IncomingCall } from "../../../host/wire.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { codeOf } from "./test-box.ts";

const call = {} as IncomingCall;

it.each([
  ["SQLITE_FULL", false],
  ["SQLITE_BUSY", false],
  ["SQLITE_IOERR_FSYNC", true],
  ["SQLITE_CORRUPT", true],
])("STORE: a database fault %s refuses with STORE; the box stops: %s", async (code, stops) => {
  const box: { fault: Refusal | undefined } = { fault: undefined };
  const methods = guarded(box, {
    seal: async () => {
      throw new Database.SqliteError("disk", code);
    },
  });
  expect(await codeOf(methods.seal?.({}, call) as Promise<unknown>)).toBe("STORE");
  expect(box.fault?.code).toBe(stops ? "STORE" : undefined);
});

it("STORE: refusals pass as they are", async () => {
  const box: { fault: Refusal | undefined } = { fault: undefined };
  const methods = guarded(box, {
    seal: async () => {
      throw new Refusal("LOCKED", "locked");
    },
  });
  expect(await codeOf(methods.seal?.({}, call) as Promise<unknown>)).toBe("LOCKED");
  expect(box.fault).toBeUndefined();
});

/**
 * The failure table of the daemon: every write, sync, rename and removal in its spool and on the stick. Killed after an effect
 * is killed before the next one: here each effect is killed before; `npm run test:crashes` does both, lets each fail, and ends batches otherwise too.
 */

import "./file-effects.ts";
import { expect, it, vi } from "vitest";
import { DaemonJourney, lifesTogether } from "./daemon-journey.ts";
import { failureTable } from "./failure-table.ts";

// Many lives, on a machine that may be busy.
vi.setConfig({ testTimeout: 600_000 });

it("NOTHING-LOST: killed before every effect of a batch's life from stick to stick: whole or absent, and released once", async () => {
  const hit = await failureTable(() => DaemonJourney.make("released"), "killed before", lifesTogether);
  expect(hit.filter((name) => name.startsWith("rename coldseal/outbox"))).toHaveLength(1);
  expect(hit.length).toBeGreaterThan(60);
});

it("T19: the same export again on another stick is the same bytes", async () => {
  for (const end of ["released", "rejected"] as const) {
    const journey = await DaemonJourney.make(end);
    try {
      await journey.run();
      expect([...(await journey.check()), ...(await journey.checkAnotherStick())]).toEqual([]);
    } finally {
      await journey.remove();
    }
  }
});

/** A primary that was deposed and never told: its Patroni hangs, and its PostgreSQL takes writes as before. */

import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { connectToLeader } from "../../../ledger/store/postgres-leader.ts";
import { recordsFrom } from "../a-ledger.ts";
import { OnCluster, Outcome } from "./on-cluster.ts";

let on: OnCluster;
beforeAll(async () => {
  on = await OnCluster.start();
});
afterAll(() => on?.end());

it("NOTHING-LOST: a primary whose Patroni alone hangs takes writes, and leads nobody once another was promoted", async () => {
  const { cluster, settings } = on;
  const sequencer = await on.sequencer();
  const stored = await sequencer.add(recordsFrom(0, 10));
  const deposed = await cluster.leader();
  let leader = deposed;
  // Its commit comes when another leads: nobody confirms it, and nothing but the other's timeline says that nobody will.
  const storing = new Outcome(
    sequencer.addAnd(recordsFrom(10, 5), async () => {
      expect(await deposed.freeze(/^\S*python\S* .*patroni/)).toBeGreaterThan(0);
      leader = await cluster.leader(deposed);
    }),
  );
  await storing.over();
  expect(storing.value).toBeUndefined();
  expect(storing.fault).toMatchObject({ code: "STORE", message: expect.stringMatching(/nothing of it is stored/) });
  expect(leader.name).not.toBe(deposed.name);
  expect(await cluster.sql(deposed, "SELECT pg_is_in_recovery()")).toEqual(["f"]);

  const portOf = ({ plan }: typeof leader) => plan.postgresPort;
  const first = (port: number) =>
    settings.servers.toSorted((one, other) => +(other.port === port) - +(one.port === port));
  for (const port of [portOf(deposed), portOf(leader)]) {
    const connection = await connectToLeader({ ...settings, servers: first(port) });
    expect(connection.server.port).toBe(portOf(leader));
    connection.close();
  }

  // The same process goes on, and what takes long on the true leader is not cut.
  const again = await sequencer.addAnd(recordsFrom(10, 5), () => setTimeout(14_000));
  expect(again.map(({ fresh, index }) => [index, fresh])).toEqual([10, 11, 12, 13, 14].map((index) => [index, true]));
  expect((await sequencer.add(recordsFrom(0, 10))).map(({ index }) => index)).toEqual(stored.map(({ index }) => index));
  expect(await on.entries(deposed)).toBe(10);
  expect(await on.entries(leader)).toBe(15);

  deposed.thaw();
  await cluster.whole();
  expect(await checkLedger(sequencer.ledger, [])).toMatchObject({ size: 15, count: 0 });
});

/** What slept while others went on: a primary, and a process that appends. */

import { afterAll, beforeAll, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { settle } from "../../../ledger/store/postgres-commit.ts";
import { PostgresConnection } from "../../../ledger/store/postgres-connection.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { recordsFrom } from "../a-ledger.ts";
import { OnCluster, Outcome } from "./on-cluster.ts";

let on: OnCluster;
beforeAll(async () => {
  on = await OnCluster.start();
});
afterAll(() => on?.end());

const indexes = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);

it("NOTHING-LOST: a primary that slept through a failover confirms nothing, and who appended there is told so", async () => {
  const { cluster } = on;
  const first = await on.sequencer();
  const stored = await first.add(recordsFrom(0, 10));
  expect(stored.map(({ index }) => index)).toEqual(indexes(0, 10));

  const sleeper = await cluster.leader();
  const server = on.settings.servers.find(({ port }) => port === sleeper.plan.postgresPort);
  if (server === undefined) throw new Error("the leader is none of the settings' servers");
  const reader = await PostgresConnection.open(on.settings, server);
  const storing = new Outcome(first.addAnd(recordsFrom(10, 5), () => sleeper.freeze()));

  const leader = await cluster.leader(sleeper);
  expect(leader.name).not.toBe(sleeper.name);
  const second = await on.sequencer();
  const meanwhile = await second.add(recordsFrom(100, 3));
  expect(meanwhile.map(({ index }) => index)).toEqual(indexes(10, 3));

  sleeper.thaw();
  // What a reader of the old primary saw is not what others may be told.
  await expect(settle(reader, on.settings)).rejects.toThrow();
  reader.close();
  await storing.over();
  expect(storing.value).toBeUndefined();
  expect(storing.fault).toMatchObject({ code: "STORE" });

  await cluster.whole();
  expect(sleeper.keptAside()).toHaveLength(1);
  const again = await second.add(recordsFrom(10, 5));
  expect(again.map(({ index, fresh }) => [index, fresh])).toEqual(indexes(13, 5).map((index) => [index, true]));
  const kept = await second.add([...recordsFrom(0, 10), ...recordsFrom(100, 3)]);
  expect(kept.map(({ index, salt }) => [index, hex(salt)])).toEqual(
    [...stored, ...meanwhile].map(({ index, salt }) => [index, hex(salt)]),
  );
  // BUSY: another took over, before and after the failover, whatever server is asked.
  await expect(first.add(recordsFrom(200, 1))).rejects.toMatchObject({ code: "BUSY" });
  expect(await checkLedger(second.ledger, [])).toMatchObject({ size: 18, count: 0 });
});

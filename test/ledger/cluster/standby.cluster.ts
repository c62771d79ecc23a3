/** A commit is told as stored when the synchronous standby has it, and not before, whatever becomes of the wait for it. */

import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { until } from "../../faults/waiting.ts";
import { recordsFrom } from "../a-ledger.ts";
import { OnCluster, Outcome, type Sequencer } from "./on-cluster.ts";

let on: OnCluster;
let sequencer: Sequencer;
let next = 0;
const some = () => {
  next += 10;
  return recordsFrom(next - 10, 10);
};

beforeAll(async () => {
  on = await OnCluster.start();
  sequencer = await on.sequencer();
  await sequencer.add(some());
});
afterEach(async () => {
  for (const node of on.cluster.nodes) {
    node.thaw();
    if (!node.alive) await node.start();
  }
  await on.cluster.whole();
});
afterAll(() => on?.end());

/** The standby receives nothing any more, and everybody believes that it does. */
async function deafStandby() {
  const standby = await on.cluster.standby();
  expect(await standby.freeze(/walreceiver/)).toBe(1);
  return standby;
}

it.each(["pg_cancel_backend", "pg_terminate_backend"])(
  "NOTHING-LOST: a commit whose wait for the standby ended by %s is unknown, and stored only after a later one that the standby has",
  async (end) => {
    const { cluster } = on;
    const leader = await cluster.leader();
    const before = await on.entries(leader);
    const standby = await deafStandby();
    const records = some();
    const storing = new Outcome(sequencer.add(records));
    const pid = await on.waitingOne(leader);
    expect(await cluster.sql(leader, `SELECT ${end}(${pid})`)).toEqual(["t"]);
    // The leader shows it, and whoever looks for it waits for the standby like any other.
    await until("the rows are visible", async () => (await on.entries(leader)) === before + 10);
    await on.waitingOne(leader, pid);
    expect(storing.pending).toBe(true);

    standby.thaw();
    await storing.over();
    expect(storing.fault).toBeUndefined();
    expect((await sequencer.add(records)).map(({ fresh, index }) => [index, fresh])).toEqual(
      storing.value?.map(({ index }) => [index, false]),
    );
    expect(await on.entries(leader)).toBe(before + 10);
  },
);

/** The leader has a commit that no standby gets, Patroni knows it, and the leader dies: nobody leads any more. What was asked of the ledger is under way. */
async function leaderDiesAhead() {
  const { cluster } = on;
  const leader = await cluster.leader();
  const standby = await cluster.standby();
  // Nothing leaves the leader any more, not even into a buffer on the other side.
  expect(await leader.freeze(/walsender/)).toBe(2);
  const records = some();
  const storing = new Outcome(sequencer.add(records));
  const pid = await on.waitingOne(leader);
  await cluster.sql(leader, `SELECT pg_cancel_backend(${pid})`);
  await on.waitingOne(leader, pid);
  await until("Patroni knows what the standby lacks", async () => {
    const members = (await cluster.members()) ?? [];
    return members.some(({ lag, name }) => name === standby.name && lag > 0);
  });
  await leader.kill();
  const leaders = async () => (await cluster.members())?.filter(({ role }) => role === "leader") ?? [];
  await until("the dead leader's time is over", async () => (await leaders()).length === 0);
  await setTimeout(10_000);
  expect(await leaders()).toEqual([]);
  return { leader, standby, storing, records };
}

it("NOTHING-LOST: nobody takes over who lacks what the leader had; a person lets the standby lead, and what was lost was never told as stored", async () => {
  const { leader, records, standby, storing } = await leaderDiesAhead();
  await on.cluster.failOver(standby);
  expect((await on.cluster.leader(leader)).name).toBe(standby.name);
  await storing.over();
  expect(storing.value).toBeUndefined();
  expect(storing.fault).toMatchObject({ code: "STORE" });
  const again = await sequencer.add(records);
  expect(again.map(({ fresh }) => fresh)).toEqual(records.map(() => true));
  expect(await checkLedger(sequencer.ledger, [])).toMatchObject({ count: 0 });
});

it("NOTHING-LOST: nobody takes over who lacks what the leader had; the old leader comes back and leads, with all that it had", async () => {
  const { leader, records, storing } = await leaderDiesAhead();
  await leader.start();
  await on.cluster.whole();
  expect((await on.cluster.leader()).name).toBe(leader.name);
  await storing.over();
  const again = await sequencer.add(records);
  expect(again.map(({ fresh }) => fresh)).toEqual(records.map(() => false));
  if (storing.value) expect(storing.value.map(({ index }) => index)).toEqual(again.map(({ index }) => index));
  else expect(storing.fault).toMatchObject({ code: "STORE" });
  expect(await checkLedger(sequencer.ledger, [])).toMatchObject({ count: 0 });
});

it("NOTHING-LOST: when the synchronous standby is lost, commits wait until another is one, and then go on", async () => {
  const { cluster } = on;
  const leader = await cluster.leader();
  const standby = await deafStandby();
  const records = some();
  const storing = new Outcome(sequencer.add(records));
  await on.waitingOne(leader);
  await setTimeout(2000);
  expect(storing.pending).toBe(true);
  await standby.kill();
  await storing.over();
  expect(storing.fault).toBeUndefined();
  const third = cluster.nodes.find(({ name }) => name !== leader.name && name !== standby.name);
  expect(await cluster.sql(leader, "SHOW synchronous_standby_names")).toEqual([third?.name]);
});

it("NOTHING-LOST: when both standbys are lost nothing is stored any more, and what was told before is there when they are back", async () => {
  const { cluster } = on;
  const leader = await cluster.leader();
  const others = cluster.nodes.filter(({ name }) => name !== leader.name);
  const told = await sequencer.add(some());
  await Promise.all(others.map((node) => node.kill()));
  const records = some();
  const storing = new Outcome(sequencer.add(records));
  // Without its etcd the leader cannot know whether it leads: it gives that up.
  await until("the leader has stepped down", async () => {
    const said = await cluster.sql(leader, "SELECT pg_is_in_recovery()").catch(() => []);
    return said[0] === "t";
  });
  expect(storing.value).toBeUndefined();
  for (const node of others) await node.start();
  await cluster.whole();
  await storing.over();
  // Stored, or unknown: then the same again says which.
  if (storing.value === undefined) expect(storing.fault).toMatchObject({ code: "STORE" });
  const again = await sequencer.add(records);
  if (storing.value) expect(again.map(({ index }) => index)).toEqual(storing.value.map(({ index }) => index));
  expect(told.map(({ index }) => index)).toEqual(
    (await sequencer.add(recordsFrom(next - 20, 10))).map(({ index }) => index),
  );
  expect(await checkLedger(sequencer.ledger, [])).toMatchObject({ count: 0 });
});

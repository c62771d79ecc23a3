import { expect, it } from "vitest";
import { etcdArguments, type NodePlan, patroniSettings } from "./patroni-settings.ts";

const plan = (at: number): NodePlan => ({
  name: `n${at}`,
  folder: `/srv/n${at}`,
  postgresPort: 20_000 + at,
  patroniPort: 20_010 + at,
  etcdClientPort: 20_020 + at,
  etcdPeerPort: 20_030 + at,
});
const all = [plan(1), plan(2), plan(3)];
const passwords = { superuser: "one", replication: "two", rewind: "three", patroni: "four" };

it("NOTHING-LOST: Patroni waits for the synchronous standby with every commit, and lets nobody lead who lacks something", () => {
  const settings = JSON.parse(patroniSettings(plan(1), all, passwords, "/srv/n1/bin"));
  const { dcs, initdb } = settings.bootstrap;
  expect(dcs).toMatchObject({
    ttl: 20,
    loop_wait: 5,
    maximum_lag_on_failover: 0,
    synchronous_mode: true,
    synchronous_mode_strict: true,
    synchronous_node_count: 1,
    postgresql: {
      use_pg_rewind: true,
      remove_data_directory_on_rewind_failure: false,
      remove_data_directory_on_diverged_timelines: false,
      parameters: { synchronous_commit: "on", statement_timeout: 0, fsync: "on", full_page_writes: "on" },
    },
  });
  expect(dcs.loop_wait + 2 * dcs.retry_timeout).toBeLessThanOrEqual(dcs.ttl);
  expect(initdb).toContain("data-checksums");
  expect(settings.postgresql.bin_dir).toBe("/srv/n1/bin");
});

it("NOTHING-LOST: a leader that slept takes the leader's key from nobody: Patroni 3.0.2 does so by the third interface of etcd", () => {
  const settings = JSON.parse(patroniSettings(plan(1), all, passwords, "/srv/n1/bin"));
  expect(settings.etcd3).toBeUndefined();
  expect(settings.etcd.hosts).toEqual(["127.0.0.1:20021", "127.0.0.1:20022", "127.0.0.1:20023"]);
  expect(etcdArguments(plan(1), all)).toContain("--enable-v2=true");
});

it("SECRET: nobody gets in without a password, or from outside, and no password is an argument", () => {
  const settings = JSON.parse(patroniSettings(plan(1), all, passwords, "/srv/n1/bin"));
  for (const line of settings.postgresql.pg_hba) expect(line).toMatch(/^host \S+ \S+ 127\.0\.0\.1\/32 scram-sha-256$/);
  for (const place of [settings.restapi, settings.postgresql]) {
    for (const address of [place.listen, place.connect_address]) expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  }
  const words = etcdArguments(plan(1), all).join("\n");
  for (const password of Object.values(passwords)) expect(words).not.toContain(password);
  for (const [, host] of words.matchAll(/http:\/\/([^:]+):/g)) expect(host).toBe("127.0.0.1");
});

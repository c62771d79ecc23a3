/** A cluster of three nodes, with a ledger whose store is there. Needs PID namespaces: root, or user namespaces. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLedger, type Ledger, openLedger } from "../../../ledger/ledger-folder.ts";
import { append, type Place } from "../../../ledger/log/append.ts";
import { takeOver } from "../../../ledger/log/tree-head.ts";
import { type PostgresSettings, readPostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import type { LogRecord } from "../../../manifests/log/entry.ts";
import type { ClusterNode } from "../../drills/cluster/node.ts";
import { type Cluster, schema, startCluster } from "../../drills/cluster/start-cluster.ts";
import { serverPrograms } from "../../drills/servers/programs.ts";
import { until } from "../../faults/waiting.ts";
import { origin } from "../a-ledger.ts";

/** A process that appends to the ledger, as far as the store can tell. */
export interface Sequencer {
  readonly ledger: Ledger;
  add(records: readonly LogRecord[]): Promise<readonly Place[]>;
  /** as `add`, and does `before` when all is asked for but the commit */
  addAnd(records: readonly LogRecord[], before: () => Promise<unknown>): Promise<readonly Place[]>;
}

export class OnCluster {
  readonly cluster: Cluster;
  readonly settings: PostgresSettings;
  readonly #dir: string;
  readonly #open: Ledger[] = [];

  private constructor(dir: string, cluster: Cluster) {
    this.#dir = dir;
    this.cluster = cluster;
    this.settings = readPostgresSettings(cluster.settingsFile);
  }

  static async start(): Promise<OnCluster> {
    const cluster = await startCluster(await serverPrograms());
    const on = new OnCluster(mkdtempSync(join(tmpdir(), "coldseal-ledger-")), cluster);
    try {
      await createLedger(join(on.#dir, "ledger"), origin, undefined, on.settings);
      return on;
    } catch (fault) {
      await on.end();
      throw fault;
    }
  }

  /** Another one that appends, with connections of its own; those before are stale from now on. */
  async sequencer(): Promise<Sequencer> {
    const ledger = await openLedger(join(this.#dir, "ledger"));
    this.#open.push(ledger);
    const epoch = await takeOver(ledger.db);
    const addAnd = (records: readonly LogRecord[], before: () => Promise<unknown>) =>
      ledger.db.writing(async (sql) => {
        const places = await append(sql, epoch, records);
        await before();
        return places;
      });
    return { ledger, addAnd, add: (records) => addAnd(records, async () => undefined) };
  }

  /** The processes on this node that wait for a standby with a commit of the ledger's. */
  async waiting(node: ClusterNode): Promise<readonly string[]> {
    const words = "SELECT pid FROM pg_stat_activity WHERE usename = 'ledger' AND wait_event = 'SyncRep'";
    return this.cluster.sql(node, words);
  }

  /** One that waits; `other` than that one. */
  async waitingOne(node: ClusterNode, other = ""): Promise<string> {
    let found = "";
    await until("a commit waits for the standby", async () => {
      found = (await this.waiting(node)).find((pid) => pid !== other) ?? "";
      return found !== "";
    });
    return found;
  }

  /** Entries that this node shows. */
  async entries(node: ClusterNode): Promise<number> {
    return Number((await this.cluster.sql(node, `SELECT count(*) FROM ${schema}.entries`))[0]);
  }

  async end(): Promise<void> {
    await this.cluster.end();
    for (const ledger of this.#open) ledger.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** What became of it, looked at any time; its fault is nobody's surprise. */
export class Outcome<T> {
  value: T | undefined;
  fault: unknown;
  readonly #over: Promise<void>;

  constructor(of: Promise<T>) {
    this.#over = of.then(
      (value) => {
        this.value = value;
      },
      (fault) => {
        this.fault = fault;
      },
    );
  }

  get pending(): boolean {
    return this.value === undefined && this.fault === undefined;
  }

  over(): Promise<void> {
    return this.#over;
  }
}

/** Three nodes on this machine, as they would stand on three. */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import type { ServerPrograms } from "../servers/programs.ts";
import { type Member, membersBy } from "./cluster-state.ts";
import { ClusterNode } from "./node.ts";
import { loopback, type NodePlan, scope } from "./patroni-settings.ts";
import { freePorts } from "./ports.ts";
import { type PsqlCommand, psql, psqlCommand } from "./psql.ts";

const names = ["n1", "n2", "n3"] as const;
const portsOfNode = 4;
/** How long a cluster may take to come up, or to come to what a drill waits for, ms. */
const patience = 180_000;
const pause = 100;

/** The ledger's role, its database, and the schema that it makes there. */
const role = "ledger";
const database = "ledger";
export const schema = "ledger";
const ledgerPasswordFile = "ledger.password";

export interface ClusterOrder {
  /** new or empty; below folders that the servers' user may pass through */
  readonly folder: string;
  readonly programs: ServerPrograms;
  /** ends every wait for the cluster */
  readonly signal?: AbortSignal;
}

/** Starts one in a temporary folder. Whoever gets it ends it. */
export async function startCluster(programs: ServerPrograms): Promise<Cluster> {
  const cluster = await Cluster.make({ folder: mkdtempSync(join(tmpdir(), "coldseal-nodes-")), programs });
  try {
    await cluster.start();
    return cluster;
  } catch (fault) {
    await cluster.end();
    throw fault;
  }
}

export class Cluster {
  readonly nodes: readonly ClusterNode[];
  /** Where the ledger's store is, as `readPostgresSettings` reads it; the role's password is in a file of 0600 beside it. */
  readonly settingsFile: string;
  readonly #folder: string;
  readonly #programs: ServerPrograms;
  readonly #passwordFile: string;
  readonly #signal: AbortSignal | undefined;
  readonly #ledgerPassword: string;

  private constructor(
    folder: string,
    nodes: readonly ClusterNode[],
    programs: ServerPrograms,
    passwords: OwnPasswords,
    signal: AbortSignal | undefined,
  ) {
    this.nodes = nodes;
    this.#folder = folder;
    this.#signal = signal;
    this.#programs = programs;
    this.#ledgerPassword = passwords.ledger;
    this.#passwordFile = join(folder, "administrator.pgpass");
    this.settingsFile = join(folder, "postgres.json");
    writeSecret(this.#passwordFile, `*:*:*:postgres:${passwords.superuser}\n`);
    writeSecret(join(folder, ledgerPasswordFile), `${passwords.ledger}\n`);
    writeSecret(this.settingsFile, `${JSON.stringify(this.#settings(), null, 1)}\n`);
  }

  /** Makes the folders; nothing runs yet. */
  static async make({ folder: given, programs, signal }: ClusterOrder): Promise<Cluster> {
    const folder = resolve(given);
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0) throw new Error(`there is something in ${folder} already`);
    // Each node's own folder is for the servers' user alone, and what is beside them for this one.
    chmodSync(folder, 0o711);
    const logs = join(folder, "logs");
    mkdirSync(logs, { mode: 0o700 });
    const ports = await freePorts(names.length * portsOfNode);
    const plans = names.map((name, at) => planOf(name, join(folder, name), ports.slice(at * portsOfNode)));
    const secret = () => randomBytes(24).toString("base64url");
    const passwords = {
      superuser: secret(),
      replication: secret(),
      rewind: secret(),
      patroni: secret(),
      ledger: secret(),
    };
    const nodes = plans.map(
      (plan) => new ClusterNode(plan, plans, passwords, programs, join(logs, `${plan.name}.log`)),
    );
    return new Cluster(folder, nodes, programs, passwords, signal);
  }

  /** Waits for a leader with its synchronous standby and a third that follows, and makes the ledger's role and database, which all of them have on return. */
  async start(): Promise<void> {
    for (const node of this.nodes) {
      this.#signal?.throwIfAborted();
      await node.start();
    }
    await this.whole();
    await this.#makeDatabase();
  }

  /** SIGKILL to every node; nothing of them is left. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  /** As `stop`, and the folder is gone. */
  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The members as one of the other nodes sees them; undefined where none answers. */
  async members(except?: ClusterNode): Promise<readonly Member[] | undefined> {
    for (const { plan, name } of this.nodes) {
      const members = name === except?.name ? undefined : await membersBy(plan.patroniPort);
      if (members) return members;
    }
    return undefined;
  }

  /** The node that leads, once there is one that runs, other than `except`. */
  leader(except?: ClusterNode): Promise<ClusterNode> {
    return this.#await("a leader", async () => {
      const leader = (await this.members(except))?.find((one) => one.role === "leader" && one.running);
      return leader && leader.name !== except?.name ? this.node(leader.name) : undefined;
    });
  }

  /** The synchronous standby, once there is one that runs. */
  standby(): Promise<ClusterNode> {
    return this.#await("a synchronous standby", async () => {
      const standby = (await this.members())?.find((one) => one.role === "sync_standby" && one.running);
      return standby && this.node(standby.name);
    });
  }

  /** All nodes run on one timeline: a leader, its synchronous standby, and a third that follows. */
  async whole(): Promise<void> {
    await this.#await("three nodes in step", async () => {
      const members = (await this.members())?.filter(({ running }) => running) ?? [];
      const has = (role: Member["role"]) => members.filter((one) => one.role === role).length === 1;
      const oneTimeline = new Set(members.map(({ timeline }) => timeline)).size === 1;
      return members.length === names.length && oneTimeline && has("leader") && has("sync_standby") ? true : undefined;
    });
  }

  node(name: string): ClusterNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new Error(`no node ${name}`);
    return found;
  }

  /** What a person does where no standby takes over by itself: this one leads, whatever it lacks. By patronictl, as the runbook says. */
  async failOver(to: ClusterNode): Promise<void> {
    const { env, patroni } = this.#programs;
    const [python = "", script = ""] = patroni;
    const words = ["-c", to.settingsFile, "failover", scope, "--candidate", to.name, "--force"];
    await promisify(execFile)(python, [`${script}ctl`, ...words], {
      env: { ...process.env, LC_ALL: "C.UTF-8", ...env },
    });
  }

  /** A psql of the administrator's: on one node, else on whichever takes writes. */
  administrator(node?: ClusterNode, on = database): PsqlCommand {
    const ports = (node ? [node] : this.nodes).map(({ plan }) => plan.postgresPort);
    return psqlCommand(this.#programs, { ports, user: "postgres", database: on, passwordFile: this.#passwordFile });
  }

  /** Statements of the administrator on one node; what the rows are, a line each, cells with `|` between. */
  sql(node: ClusterNode, text: string, on = database): Promise<readonly string[]> {
    return psql(this.administrator(node, on), text);
  }

  async #makeDatabase(): Promise<void> {
    const leader = await this.leader();
    await this.sql(
      leader,
      `SET log_statement TO 'none'; SET log_min_error_statement TO 'panic';
       CREATE ROLE ${role} LOGIN PASSWORD '${this.#ledgerPassword}';
       CREATE DATABASE ${database} OWNER ${role};
       REVOKE ALL ON DATABASE ${database} FROM PUBLIC;`,
      "postgres",
    );
    // Who asks one node after another would end at one that does not have it yet.
    for (const node of this.nodes) {
      await this.#await(`the database at ${node.name}`, () => this.sql(node, "SELECT 1").catch(() => undefined));
    }
  }

  #settings(): PostgresSettings {
    return {
      database,
      passwordFile: ledgerPasswordFile,
      replicated: true,
      schema,
      servers: this.nodes.map(({ plan }) => ({ host: loopback, port: plan.postgresPort })),
      type: "ledger-postgres",
      user: role,
      version: 1,
    };
  }

  async #await<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const end = performance.now() + patience;
    for (;;) {
      this.#signal?.throwIfAborted();
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > end) throw new Error(`${what} did not come within ${patience / 1000} s`);
      await setTimeout(pause);
    }
  }
}

interface OwnPasswords {
  readonly superuser: string;
  readonly ledger: string;
}

function planOf(name: string, folder: string, ports: readonly number[]): NodePlan {
  const [postgresPort, patroniPort, etcdClientPort, etcdPeerPort] = ports as readonly [number, number, number, number];
  return { name, folder, postgresPort, patroniPort, etcdClientPort, etcdPeerPort };
}

function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flag: "wx" });
}

/** What Patroni 3.0.2 is told on each node. JSON is YAML, so that the file is written as JSON. */

export interface NodePlan {
  readonly name: string;
  /** folder of the node, on the servers' side */
  readonly folder: string;
  readonly postgresPort: number;
  readonly patroniPort: number;
  readonly etcdClientPort: number;
  readonly etcdPeerPort: number;
}

export interface Passwords {
  readonly superuser: string;
  readonly replication: string;
  readonly rewind: string;
  readonly patroni: string;
}

export const loopback = "127.0.0.1";
/** What Patroni calls the cluster. */
export const scope = "coldseal";

/**
 * The settings that all nodes share, kept in etcd. A commit is durable on primary and synchronous standby or it waits; only a standby that has all that the
 * primary last told of may take over; nothing ends a commit that waits.
 */
const shared = {
  // Seconds that a leader that is not heard of stays leader; the runbook counts with it.
  ttl: 20,
  loop_wait: 5,
  // loop_wait + 2 * retry_timeout must not be more than ttl
  retry_timeout: 7,
  maximum_lag_on_failover: 0,
  synchronous_mode: true,
  synchronous_mode_strict: true,
  synchronous_node_count: 1,
  postgresql: {
    use_pg_rewind: true,
    use_slots: true,
    // a data folder is never removed by Patroni: the wrapper of pg_rewind keeps it aside first
    remove_data_directory_on_rewind_failure: false,
    remove_data_directory_on_diverged_timelines: false,
    parameters: {
      synchronous_commit: "on",
      statement_timeout: 0,
      lock_timeout: 0,
      idle_in_transaction_session_timeout: 0,
      fsync: "on",
      full_page_writes: "on",
      wal_level: "replica",
      wal_log_hints: "on",
      hot_standby: "on",
      max_connections: 60,
      max_wal_senders: 8,
      max_replication_slots: 8,
      wal_keep_size: "256MB",
      // a standby whose slot the new leader has not made yet comes again soon: until then nothing is stored
      wal_retrieve_retry_interval: "500ms",
    },
  },
};

/** The whole file of one node. It holds passwords: 0600. */
export function patroniSettings(
  node: NodePlan,
  all: readonly NodePlan[],
  passwords: Passwords,
  binFolder: string,
): string {
  const fromLoopback = [
    `host replication replicator ${loopback}/32 scram-sha-256`,
    `host all all ${loopback}/32 scram-sha-256`,
  ];
  const settings = {
    scope,
    namespace: "/coldseal/",
    name: node.name,
    restapi: {
      listen: `${loopback}:${node.patroniPort}`,
      connect_address: `${loopback}:${node.patroniPort}`,
      authentication: { username: "patroni", password: passwords.patroni },
    },
    ctl: { authentication: { username: "patroni", password: passwords.patroni } },
    // Never `etcd3`: in Patroni 3.0.2 a leader that slept through a failover writes itself into the leader's key without looking who stands there, and the
    // others rewind to it. Here it writes only where it still stands there itself (prevValue).
    // The node's own first: what takes another node takes no connection of this one.
    etcd: {
      hosts: [node, ...all.filter(({ name }) => name !== node.name)].map((one) => `${loopback}:${one.etcdClientPort}`),
    },
    bootstrap: {
      dcs: shared,
      initdb: [{ encoding: "UTF8" }, { locale: "C" }, "data-checksums"],
    },
    postgresql: {
      listen: `${loopback}:${node.postgresPort}`,
      connect_address: `${loopback}:${node.postgresPort}`,
      data_dir: `${node.folder}/data`,
      bin_dir: binFolder,
      pgpass: `${node.folder}/pgpass`,
      authentication: {
        superuser: { username: "postgres", password: passwords.superuser },
        replication: { username: "replicator", password: passwords.replication },
        rewind: { username: "rewinder", password: passwords.rewind },
      },
      pg_hba: fromLoopback,
      parameters: {
        password_encryption: "scram-sha-256",
        unix_socket_directories: "",
        // goes with the node's IPC namespace, where files in /dev/shm would stay
        dynamic_shared_memory_type: "sysv",
        logging_collector: "off",
        log_min_messages: "warning",
        cluster_name: node.name,
      },
    },
    watchdog: { mode: "off" },
  };
  return `${JSON.stringify(settings, null, 1)}\n`;
}

/** Arguments of the node's member of etcd. */
export function etcdArguments(node: NodePlan, all: readonly NodePlan[]): readonly string[] {
  const peer = (one: NodePlan) => `http://${loopback}:${one.etcdPeerPort}`;
  const client = `http://${loopback}:${node.etcdClientPort}`;
  return [
    `--name=${node.name}`,
    `--data-dir=${node.folder}/etcd`,
    `--listen-peer-urls=${peer(node)}`,
    `--initial-advertise-peer-urls=${peer(node)}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--initial-cluster=${all.map((one) => `${one.name}=${peer(one)}`).join(",")}`,
    "--initial-cluster-state=new",
    // the interface that Patroni's `etcd` speaks
    "--enable-v2=true",

    "--logger=zap",
    "--log-level=warn",
  ];
}

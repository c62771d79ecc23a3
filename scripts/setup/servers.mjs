// Ensures the servers that the ledger's drills and the tests of its larger store are run on: PostgreSQL 15, Patroni and etcd, as Debian packages them.

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "./child.mjs";
import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { cache } from "./places.mjs";
import { findTool } from "./search-path.mjs";
import { progress, SetupStopped } from "./stop.mjs";
import { linkLibraries } from "./unpacked-tools.mjs";

/**
 * `postgresBin`: folder of PostgreSQL's programs; `patroni`: command and first arguments; `env`: what all of them need beside PATH.
 * @typedef {{postgresBin: string, etcd: string, patroni: readonly string[], env: Readonly<Record<string, string>>}} Servers
 */

const names = [
  "postgresql-15",
  "etcd-server",
  "patroni",
  "python3-etcd",
  "python3-psycopg2",
  // Patroni's client of etcd needs it, which its package does not say.
  "python3-idna",
];
const modules = "import patroni.dcs.etcd, psycopg2, psutil, yaml, idna";
const unpacked = join(cache, "servers");

/** @returns {Promise<Servers>} */
export async function ensureServers() {
  const found = (await onTheMachine()) ?? (await unpackedHere());
  if (found !== undefined) return found;
  progress("adding PostgreSQL 15, Patroni and etcd");
  const installed = (await withoutStarting(() => installPackages(names))) ? await onTheMachine() : undefined;
  if (installed !== undefined) return installed;
  const unpackedNow = (await unpackPackages(names, unpacked, "what-is-missing")) ? await unpackedHere() : undefined;
  if (unpackedNow !== undefined) return unpackedNow;
  throw new SetupStopped(
    `PostgreSQL 15, Patroni 3.0 or etcd 3.4 is missing: install them (Debian 12: apt-get install ${names.join(" ")}), then run this again`,
  );
}

async function onTheMachine() {
  const etcd = findTool("etcd");
  return etcd && (await working(["/usr"], etcd, {}));
}

/** Of what the machine has itself nothing was unpacked. */
async function unpackedHere() {
  if (!existsSync(unpacked)) return undefined;
  const libraries = linkLibraries(unpacked);
  const env = {
    PYTHONPATH: join(unpacked, "usr/lib/python3/dist-packages"),
    ...(libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.join(":") } : {}),
  };
  const etcd = [join(unpacked, "usr/bin/etcd"), findTool("etcd")].find((file) => file && existsSync(file));
  return etcd && (await working([join(unpacked, "usr"), "/usr"], etcd, env));
}

/** What is below the first of `places` that has it. @returns {Promise<Servers | undefined>} */
async function working(places, etcd, env) {
  const first = (path) => places.map((place) => join(place, path)).find((file) => existsSync(file));
  const postgres = first("lib/postgresql/15/bin/postgres");
  const script = first("bin/patroni");
  // The system's own: Debian's modules are for no other.
  const python = ["/usr/bin/python3", join(unpacked, "usr/bin/python3.11")].find((file) => existsSync(file));
  if (!(postgres && script && python)) return undefined;
  const says = async (command, args, what) => {
    const { ok, output } = await attempt(command, args, { env: { ...process.env, ...env }, cwd: "/" });
    return ok && what.test(output);
  };
  const works =
    (await says(postgres, ["--version"], / 15\./)) &&
    (await says(etcd, ["--version"], /^etcd Version: 3\.4\./m)) &&
    (await says(python, [script, "--version"], /^patroni 3\.0\./m)) &&
    (await says(python, ["-c", modules], /^$/));
  return works ? { postgresBin: join(postgres, ".."), etcd, patroni: [python, script], env } : undefined;
}

/** Installs servers that stay off: no service of them, and no cluster of PostgreSQL's for the whole machine. */
async function withoutStarting(install) {
  const policy = "/usr/sbin/policy-rc.d";
  const noCluster = "/etc/postgresql-common/createcluster.conf";
  if (process.getuid?.() !== 0) return false;
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755, flag: "wx" });
  try {
    if (!existsSync(noCluster)) {
      mkdirSync(join(noCluster, ".."), { recursive: true });
      writeFileSync(noCluster, "create_main_cluster = false\n");
    }
    return await install();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

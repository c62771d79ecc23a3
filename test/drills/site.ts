/** The connected side of a drill: a ledger in a folder, by the real command line, with two places to publish in and keys; and sticks of a made-up box. */

import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { linesOf, type Ran, type RunOptions, runCommand } from "../../demo/run-command.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { openLedger } from "../../ledger/ledger-folder.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { type EntryType, leafOver } from "../../manifests/log/entry.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import type { LedgerRules } from "../../manifests/records/policy-ledger.ts";
import { verifyCertificateRequest } from "../../manifests/x509/certificate-request.ts";
import type { Bundle } from "../bundle/build.ts";
import { outboxOf, type Stick } from "../bundle/chain.ts";
import { oids, root } from "../bundle/people.ts";
import { issue } from "../pki/authority.ts";
import type { DrillContext, DrillResult } from "./drill.ts";

/** What all drills of sticks and stores say of themselves. */
export const madeUp = [
  "the box, its people and its keys are made up for the drill; sticks are folders",
  "one machine is every site: what is lost is a folder that is removed",
] as const;

export interface Site {
  /** of the ledger */
  readonly folder: string;
  readonly places: readonly [string, string];
  /** as the box's policy names it */
  readonly rules: LedgerRules;
  /** `coldseal ledger …`; one that signs gets the passphrase. Refuses DRILL where it ends otherwise than `status` (0 unless said). */
  run(args: readonly string[], options?: SiteRun): Promise<Ran>;
  /** What it printed under `--json`. */
  answer<T>(args: readonly string[], options?: SiteRun): Promise<T>;
  /** Lays a stick and gives its folder. */
  stick(name: string, files: Stick | readonly Bundle[]): Promise<string>;
  /** What a policy of the box says, so that this ledger may acknowledge to it. */
  readonly naming: (policy: Policy) => Policy;
  /** Pins the box. */
  enrol(genesis: string, more?: readonly string[]): Promise<void>;
  at(name: string): string;
}

export interface SiteRun extends Pick<RunOptions, "answer" | "onText"> {
  readonly status?: number;
  /** it signs */
  readonly signs?: boolean;
}

const origin = "drill.coldseal.test/boxes";

export interface SiteWanted {
  /** more words for `init` */
  readonly init?: readonly string[];
  /** verifier keys of witnesses that a log's verifier key is given to, by address */
  readonly witnesses?: (log: string) => Promise<readonly { readonly url: string; readonly vkey: string }[]>;
}

/** Makes the ledger, its places `site-a/published` and `site-b/published`, its keys and their certificate. */
export async function makeSite(context: DrillContext, { init = [], witnesses }: SiteWanted = {}): Promise<Site> {
  const at = (name: string) => join(context.folder, name);
  const folder = at("site-a/ledger");
  const places = [at("site-a/published"), at("site-b/published")] as const;
  const secret = utf8(randomBytes(24).toString("base64url"));
  const run = (args: readonly string[], options: SiteRun = {}) => ledgerCommand(context, args, options, secret);
  const answer = async <T>(args: readonly string[], options: SiteRun = {}) =>
    JSON.parse((await run([...args, "--json"], options)).stdout) as T;
  for (const site of ["site-a", "site-b"]) await mkdir(at(site), { mode: 0o700 });
  await run(["init", folder, "--origin", origin, ...init, "--publish", ...places]);
  const keys = ["keys", folder, "--organization", "Coldseal drill"];
  const made = await answer<{ request: string; checkpoint: { vkey: string } }>(keys, { signs: true });
  const { spki, subject } = await verifyCertificateRequest(nodeHost, new Uint8Array(await readFile(made.request)));
  const acknowledgement = issue(root, { name: "", subject, spki, eku: [oids.acknowledging] }).certificate;
  await writeFile(at("acknowledgement.der"), acknowledgement);
  await writeFile(at("root.der"), root.certificate);
  await run(["keys", folder, "--certificate", at("acknowledgement.der")]);
  const checkpointKey = made.checkpoint.vkey;
  const asked = (await witnesses?.(checkpointKey)) ?? [];
  if (asked.length > 0) await writeFile(join(folder, "witnesses.json"), witnessSettings(asked));
  const vkeys = asked.map(({ vkey }) => vkey);
  const rules: LedgerRules = { acknowledgement, checkpointKey, cosignatures: vkeys.length, origin, witnesses: vkeys };
  return {
    folder,
    places,
    rules,
    run,
    answer,
    at,
    naming: (policy) => ({ ...policy, version: 2, ledger: rules }),
    stick: (name, files) => layStick(at(`sticks/${name}`), files),
    enrol: async (genesis, more = []) => {
      await run(["enrol", folder, "--ca", at("root.der"), "--genesis", genesis, ...more]);
    },
  };
}

function witnessSettings(asked: readonly { readonly url: string; readonly vkey: string }[]): string {
  const witnesses = asked.map(({ url, vkey }) => ({ by: "ourselves", url, vkey }));
  return JSON.stringify({ cosignatures: asked.length, type: "ledger-witnesses", version: 1, witnesses });
}

async function ledgerCommand(
  { check, signal }: DrillContext,
  args: readonly string[],
  { signs = false, status = 0, ...options }: SiteRun,
  secret: Uint8Array,
): Promise<Ran> {
  signal.throwIfAborted();
  const passed = signs ? { secret } : {};
  const words = ["ledger", ...args, ...(signs ? ["--passphrase-fd", "3"] : [])];
  const ran = await runCommand("desk/main.ts", words, { ...options, ...passed });
  const last = linesOf(ran.stderr || ran.stdout)
    .slice(0, 4)
    .join(" / ");
  check(ran.status === status, `exit status ${status} of coldseal ledger ${args[0]}`, `${ran.status}: ${last}`);
  return ran;
}

async function layStick(folder: string, files: Stick | readonly Bundle[]): Promise<string> {
  const stick = files instanceof Map ? files : outboxOf(files as readonly Bundle[]);
  await mkdir(folder, { recursive: true });
  for (const [path, bytes] of stick) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

/** Leaf of each entry by its index: what was told to be safe, and is looked for again. */
export type Leaves = ReadonlyMap<number, string>;

/** The entries that are in a ledger now. */
export async function leavesOf(folder: string): Promise<Leaves> {
  const ledger = await openLedger(folder);
  try {
    const rows = await ledger.db.reading((sql) =>
      sql.all<{ idx: number; type: EntryType; salt: Uint8Array; record: string }>(
        "SELECT idx, type, salt, record FROM entries ORDER BY idx",
      ),
    );
    const leaves = new Map<number, string>();
    for (const { idx, record, salt, type } of rows) {
      leaves.set(idx, hex(await leafOver(nodeHost, salt, type, utf8(record))));
    }
    return leaves;
  } finally {
    ledger.close();
  }
}

/** How many of the first are gone, or something else at their place. */
export function lostOf(before: Leaves, after: Leaves): number {
  return [...before].filter(([index, leaf]) => after.get(index) !== leaf).length;
}

/**
 * How a drill of a site ends: what was told to be safe is looked for, and every row and place is verified. The figures are handed in before anything is checked.
 */
export async function measuredEnd(
  { measured }: DrillContext,
  site: Site,
  { before, details, rtoSeconds }: { before: Leaves; details: DrillResult["details"]; rtoSeconds: number },
): Promise<DrillResult> {
  const now = await leavesOf(site.folder);
  const result = {
    rtoSeconds,
    acknowledged: before.size,
    lost: lostOf(before, now),
    details: { entries: now.size, ...details },
  };
  measured(result);
  await site.run(["verify", site.folder, "--log", site.rules.checkpointKey]);
  return result;
}

/** Runs the command that people are asked by, and types an exact `Yes`. */
export const saysYes: NonNullable<RunOptions["answer"]> = (printed) =>
  printed.includes("Type Yes") ? "Yes" : undefined;

/** Seconds since. */
export function secondsSince(begun: number): number {
  return (performance.now() - begun) / 1000;
}

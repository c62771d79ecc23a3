/** A box put together from its store, its configuration and its token. */

import { join } from "node:path";
import type { ReadLinks } from "../../host/network-links.ts";
import type { Software } from "../../host/software-digest.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { Host } from "../../manifests/host.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { Attesting } from "./attest.ts";
import { AutoLock } from "./auto-lock.ts";
import { Batches } from "./batches.ts";
import { type Box, checkSound } from "./box.ts";
import { BoxClock, type Clocks, latest } from "./clock.ts";
import type { SignerConfig } from "./config.ts";
import { findKeys } from "./found-keys.ts";
import { takeFault } from "./guarded.ts";
import { Head } from "./head.ts";
import { Journal, type JournalKind } from "./journal.ts";
import { configuredKeys, keysInForce } from "./keys.ts";
import { Lockbox } from "./lockbox.ts";
import { checkMayUnlock } from "./may-seal.ts";
import { Orders } from "./orders.ts";
import { OwnRefusals } from "./own-refusals.ts";
import { Policies } from "./policies.ts";
import type { Hsm } from "./ports.ts";
import { keysAtHand } from "./standing.ts";
import { type Db, openStore } from "./store.ts";
import { verifyRecord, verifyTables } from "./verify-record.ts";

export interface BoxParts {
  readonly config: SignerConfig;
  readonly host: Host;
  readonly hsm: Hsm;
  readonly clocks: Clocks;
  readonly readLinks: ReadLinks;
  readonly software: Software;
  readonly attesting?: Attesting | undefined;
}

export function storePath(config: SignerConfig): string {
  return join(config.state, "store.db");
}

/**
 * Opens a box that was made before, locked. Refuses with STORE, CONFIG, HSM-KEY, or CHAIN when store and configuration
 * disagree about who the box is. A journal that does not verify is `box.fault`: the box then answers, and does nothing.
 */
export async function openBox(parts: BoxParts): Promise<Box> {
  const db = openStore(storePath(parts.config));
  try {
    return await boxOver(db, parts);
  } catch (fault) {
    // A store that is not given out must not stay locked.
    db.close();
    throw fault;
  }
}

async function boxOver(db: Db, parts: BoxParts): Promise<Box> {
  const { config, host } = parts;
  checkIdentity(db, config);
  const policies = await Policies.load(db, host);
  const orders = new Orders(db);
  const configured = configuredKeys(config);
  const { atHand, keys, token } = keysInForce(policies.inForce.policy, keysAtHand(configured, orders.standing));
  parts.hsm.use(atHand);
  const autoLock = new AutoLock(() => parts.clocks.monotonic());
  const journal = new Journal(db);
  const head = new Head(db, journal, parts.hsm, { appliance: config.appliance, genesis: config.genesis });
  const record = (kind: JournalKind, what: Json) =>
    db.transaction(() => {
      checkSound(box);
      return journal.append(clock.now(), kind, what);
    })();
  const clock = openClock(db, journal, parts.clocks, (step) => {
    if (!box.fault) record("clock-step", { ...step });
  });
  const lockbox = new Lockbox({
    db,
    hsm: parts.hsm,
    now: () => clock.now(),
    note: (kind, what) => void record(kind, what),
    unnoted: (fault) => void takeFault(box, fault),
    sound: () => checkSound(box),
    mayUnlock: () => checkMayUnlock(box),
    unlocked: async () => {
      autoLock.begin();
      await findKeys(box);
    },
    verify: async () => {
      await stopOnChain(box, () => verifyTables(db, journal));
      // A restored old disk is found here, and a move that a kill or a pulled token cut off is made.
      await stopOnChain(box, () => head.settle());
    },
  });
  const batches = new Batches(db);
  const refusals = new OwnRefusals({
    record: (what) => void record("refused", what),
    known: (batchDigest) => batches.findNewest(batchDigest) !== undefined,
    monotonic: () => parts.clocks.monotonic(),
  });
  const box: Box = {
    facts: config,
    host,
    db,
    journal,
    batches,
    policies,
    keys,
    token,
    configured,
    orders,
    autoLock,
    clock,
    hsm: parts.hsm,
    head,
    lockbox,
    refusals,
    software: parts.software,
    madeWith: madeWith(journal, parts.software),
    readLinks: parts.readLinks,
    attesting: parts.attesting,
    fault: undefined,
    // The process may have looked for its token before there was this store, which names another.
    moved: parts.hsm.serialOf(token.uri) !== parts.hsm.serial,
    keysFound: [],
    record,
  };
  try {
    await stopOnChain(box, () => verifyRecord(box));
    record("started", { isolation: config.isolation, software: { ...parts.software } });
  } catch (fault) {
    if (!box.fault) throw fault;
  }
  return box;
}

/** What the first row says; the running software where the row cannot be read: then the record does not verify anyway. */
function madeWith(journal: Journal, running: Software): string {
  try {
    const { software } = JSON.parse(journal.first()?.record ?? "") as {
      readonly software?: { readonly digest: string };
    };
    return software?.digest ?? running.digest;
  } catch {
    return running.digest;
  }
}

/** The clock, not before anything recorded; it notes its time now and then, so that also a quiet box remembers. */
function openClock(
  db: Db,
  journal: Journal,
  clocks: Clocks,
  onStep: ConstructorParameters<typeof BoxClock>[2],
): BoxClock {
  const noted = db.prepare<[], string>("SELECT time FROM last_time").pluck().get() ?? "";
  const last = journal.lastTime() ?? "";
  return new BoxClock(clocks, latest(noted, last), onStep);
}

/** Notes the present time durably. */
export function noteTime(box: Box): void {
  box.db.prepare("UPDATE last_time SET time = ? WHERE time < ?").run(box.clock.now(), box.clock.now());
}

function checkIdentity(db: Db, config: SignerConfig): void {
  const row = db.prepare<[], { appliance: string; genesis: Uint8Array }>("SELECT appliance, genesis FROM box").get();
  if (!row) throw new Refusal("CHAIN", "the store has lost its box row");
  checkAppliance(row.appliance, config.appliance);
  if (hex(row.genesis) !== config.genesis) {
    throw new Refusal("CHAIN", "the store was made for another genesis policy", {
      expected: config.genesis,
      got: hex(row.genesis),
    });
  }
}

export function checkAppliance(got: string, expected: string): void {
  if (got !== expected) throw new Refusal("CONFIG", "the configuration names another appliance", { expected, got });
}

/** Runs a check; a CHAIN refusal stops the box before it is passed on. */
async function stopOnChain(box: Box, check: () => Promise<unknown>): Promise<void> {
  try {
    await check();
  } catch (fault) {
    const refusal = asRefusal(fault, "CHAIN", "the record cannot be read");
    if (refusal.code === "CHAIN") box.fault = refusal;
    throw refusal;
  }
}

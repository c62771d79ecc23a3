/** Shares in a ceremony: written for their holders, opened by them again, joined to the PIN. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { equal, fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { type ShareRecord, type SplitPurpose, shareName } from "../../manifests/records/share.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { personOf } from "../engine/people.ts";
import type { Stage } from "../engine/procedure.ts";
import { openerByFile, openerFiles } from "../share-opener.ts";
import type { Opener } from "../shares/seal-piece.ts";
import type { Holder } from "../shares/split.ts";
import { joinShares, type OpenedShare, openShare, type SplitMade } from "../shares/split.ts";
import type { TokenPlace } from "../tokens/token-job.ts";
import { withBoxToken } from "./box-token.ts";
import type { SplitParameters } from "./split-parameters.ts";

const largestShare = 64 * 1024;
const shortestPassphrase = 8;

/** Where a holder's share is written: the medium is that holder's own, or is copied to one. */
export function sharePath(stick: string, archive: string, purpose: SplitPurpose, holder: string): string {
  return join(stick, "coldseal/shares", `${archive}-${purpose}-${holder}.share`);
}

/** The holders with what protects their pieces; passphrases are asked for twice. Refuses CEREMONY-STEP when they differ. */
export async function holdersOf(stage: Stage, { holders }: SplitParameters): Promise<readonly Holder[]> {
  const all: Holder[] = [];
  for (const { person, certificate } of holders) {
    if (certificate !== undefined) {
      all.push({ id: person, protect: { kind: "certificate", certificate: readCertificateFile(certificate) } });
      continue;
    }
    all.push({ id: person, protect: { kind: "passphrase", passphrase: await newPassphrase(stage, person) } });
  }
  return all;
}

export function wipeHolders(holders: readonly Holder[]): void {
  for (const { protect } of holders) if (protect.kind === "passphrase") protect.passphrase.fill(0);
}

/** Writes each holder's share; durable on return. Refuses STORE. */
export async function writeShares(stage: Stage, stick: string, purpose: SplitPurpose, made: SplitMade): Promise<void> {
  await makeFolder(join(stick, "coldseal/shares"), 0o755);
  for (const { holder, file } of made.shares)
    await writeDurable(sharePath(stick, stage.file.archive, purpose, holder), file);
}

export interface SharesInForce {
  /** the wrapped PIN's record */
  readonly wrapped: Uint8Array;
  readonly auditKeys: readonly Uint8Array[];
  /** where a holder's share lies */
  path(holder: string): string;
}

/** A holder opens the own share. The piece is the caller's to wipe. Refuses SHARE-*, PASSPHRASE-WRONG (after three), STORE. */
export async function openOwn(
  stage: Stage,
  holder: string,
  { wrapped, auditKeys, path }: SharesInForce,
): Promise<OpenedShare> {
  const file = shareFile(path(holder), holder);
  for (let left = 3; ; left--) {
    const used: Uint8Array[] = [];
    try {
      return await openShare(file, wrapped, auditKeys, async (record) => {
        if (record.holder !== holder) throw notTheirs(record, holder);
        const secret = await stage.scene.secret(holder, "passphrase", secretQuestion(stage, record));
        used.push(secret);
        return openerFor(stage, record, secret);
      });
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code !== "PASSPHRASE-WRONG" || left <= 1) throw fault;
      stage.scene.say(`${fault.message}: ${left - 1} more.`);
    } finally {
      for (const secret of used) secret.fill(0);
    }
  }
}

/** The PIN by the shares of these holders; the caller wipes it. Refuses as `openOwn`, SHARE-SHORT, SHARE-TWICE. */
export async function pinByShares(
  stage: Stage,
  holders: readonly string[],
  shares: SharesInForce,
): Promise<Uint8Array> {
  const opened: OpenedShare[] = [];
  try {
    for (const holder of holders) opened.push(await openOwn(stage, holder, shares));
    return await joinShares(opened, shares.wrapped);
  } finally {
    for (const { piece } of opened) piece.fill(0);
  }
}

export interface BoxShares extends SharesInForce {
  readonly token: TokenPlace & { readonly uri: string };
  readonly threshold: number;
  /** everybody who holds a share */
  readonly holders: readonly string[];
}

export const pinSecret = "PIN of the box's token";

/** Holders who are here. */
export function holdersHere(stage: Stage, holders: readonly string[]): readonly string[] {
  const here = stage.present();
  return holders.filter((id) => here.includes(id));
}

/** Refuses SHARE-SHORT when fewer holders are here than it takes. */
export function checkHoldersHere(stage: Stage, { holders, threshold }: Pick<BoxShares, "holders" | "threshold">): void {
  const here = holdersHere(stage, holders);
  if (here.length >= threshold) return;
  throw new Refusal("SHARE-SHORT", "too few holders are here", {
    expected: `${threshold} of ${holders.join(", ")}`,
    got: here.join(", ") || "nobody",
  });
}

/**
 * The PIN of the box's token, from memory or by the shares of as many holders as it takes, proven by a login. It stays the
 * stage's, under `name`. Refuses SHARE-*, PASSPHRASE-WRONG, PIN-*, HSM-*.
 */
export async function boxPin(stage: Stage, box: BoxShares, name = pinSecret): Promise<Uint8Array> {
  if (stage.secrets.has(name)) return stage.secrets.use(name);
  checkHoldersHere(stage, box);
  const pin = await pinByShares(stage, holdersHere(stage, box.holders).slice(0, box.threshold), box);
  stage.secrets.keep(name, pin);
  try {
    await withBoxToken(box.token, (process) => process.check(box.token.uri, pin));
    return pin;
  } catch (fault) {
    stage.secrets.drop(name);
    throw fault;
  }
}

async function newPassphrase(stage: Stage, person: string): Promise<Uint8Array> {
  const { name } = personOf(stage.file, person);
  // Here and not by the step: others' passphrases stay as they were typed.
  for (let left = 3; ; left--) {
    const first = await stage.scene.secret(person, "passphrase", `${name}, a new passphrase for your share: `);
    const long = first.length >= shortestPassphrase;
    const again = long && (await stage.scene.secret(person, "passphrase", `${name}, the same passphrase again: `));
    const same = again && equal(first, again);
    if (again) again.fill(0);
    if (same) return first;
    first.fill(0);
    const refusal = new Refusal("CEREMONY-STEP", long ? "the two passphrases differ" : "the passphrase is too short", {
      expected: long
        ? "the same passphrase twice"
        : `at least ${shortestPassphrase} characters, better six random words`,
      got: long ? "two different ones" : "fewer",
      about: person,
    });
    if (left <= 1) throw refusal;
    stage.scene.say(`${refusal.message}: ${left - 1} more.`);
  }
}

function secretQuestion(stage: Stage, record: ShareRecord): string {
  const { name } = personOf(stage.file, record.holder);
  if (record.sealed.kind === "passphrase") return `${name}, the passphrase of ${shareName(record)}: `;
  return `${name}, the path of ${openerFiles} that opens ${shareName(record)}: `;
}

function openerFor({ scene }: Stage, record: ShareRecord, secret: Uint8Array): Opener {
  if (record.sealed.kind === "passphrase") return { kind: "passphrase", passphrase: secret };
  return openerByFile(record, fromUtf8(secret), (question) => scene.secret(record.holder, "pin", question));
}

function shareFile(path: string, holder: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= largestShare) return bytes;
    throw new Error(`larger than ${largestShare} bytes`);
  } catch (cause) {
    throw new Refusal("STORE", `the share of ${holder} cannot be read`, { about: path, cause });
  }
}

function notTheirs(record: ShareRecord, holder: string): Refusal {
  return new Refusal("SHARE-FOREIGN", `${shareName(record)}, is not ${holder}'s`, {
    expected: `the share of ${holder}`,
    got: shareName(record),
    about: shareName(record),
  });
}

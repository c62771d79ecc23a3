/** Unlocking by M of N shares, and proving a share without unlocking. The PIN is joined here, sent to the signer, and wiped. */

import { readFileSync } from "node:fs";
import type { WrappedPins } from "../appliance/client/unlock-client.ts";
import { nodeHost } from "../host/crypto-host.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { shown } from "../manifests/records/names.ts";
import { checkEnough, readWrapped, type ShareRecord, shareName, verifyShare } from "../manifests/records/share.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";
import { openerByFile, openerFiles } from "./share-opener.ts";
import type { Opener } from "./shares/seal-piece.ts";
import { joinShares, type OpenedShare, openShare } from "./shares/split.ts";
import { asText, members } from "./shown-json.ts";
import { tellUnlocked } from "./unlock.ts";

const triesOfPeople = 3;
const largestShare = 64 * 1024;

/** Unlocks by the shares in these files; each holder is asked for what opens the own one. Refuses SHARE-*, PASSPHRASE-WRONG, and as `unlock`. */
export async function unlockByShares(sitting: Sitting, files: readonly string[]): Promise<void> {
  sitting.prompter.open();
  if (members(await sitting.signer.status()).locked === false) {
    sitting.output.say("The box is unlocked already. Nothing was changed.");
    sitting.output.document({ changed: false, locked: false });
    return;
  }
  const pins = await pinsOf(sitting);
  const opened: OpenedShare[] = [];
  try {
    await checkTogether(files, pins);
    const wrapped = await wrappedFor(files[0] ?? "", pins);
    for (const file of files) opened.push(await openFile(sitting, file, wrapped, pins.auditKeys));
    const pin = await joinShares(opened, wrapped);
    try {
      await tellUnlocked(sitting, await sitting.signer.unlock(pin));
    } finally {
      pin.fill(0);
    }
  } finally {
    for (const { piece } of opened) piece.fill(0);
  }
}

/** Proves each share: signed by the audit key, of the split in force, and it opens. Refuses as `unlockByShares`. */
export async function checkShares(sitting: Sitting, files: readonly string[]): Promise<void> {
  sitting.prompter.open();
  const pins = await pinsOf(sitting);
  const proven: Json[] = [];
  for (const file of files) {
    const { record, piece } = await openFile(sitting, file, await wrappedFor(file, pins), pins.auditKeys);
    piece.fill(0);
    sitting.output.say(
      sitting.output.style.good(`${shareName(record)}: opens.`),
      `  split ${record.split}, ${record.threshold} of ${record.of} unlock`,
    );
    proven.push({ holder: record.holder, index: record.index, split: record.split });
  }
  sitting.output.document({ proven });
}

async function pinsOf(sitting: Sitting): Promise<WrappedPins> {
  const pins = await sitting.signer.wrapped();
  if (pins.wrapped.length > 0) return pins;
  const box = shown(asText(members(await sitting.signer.status()).appliance) ?? "?");
  throw new Refusal("SHARE-FOREIGN", `no PIN of the box ${box} was split`, {
    expected: "`ceremony unlock` with its PIN",
    got: "shares",
  });
}

/** Before anybody is asked for a secret. Refuses SHARE-CHANGED, SHARE-FOREIGN, SHARE-TWICE, SHARE-SHORT. */
async function checkTogether(files: readonly string[], { auditKeys }: WrappedPins): Promise<void> {
  const records: ShareRecord[] = [];
  for (const file of files) records.push(await verifyShare(nodeHost, readShare(file), auditKeys));
  checkEnough(records);
}

/** The wrapped PIN that a share belongs to by its split; while a PIN is split anew there are two. Else that in force, which will refuse it. */
async function wrappedFor(path: string, { wrapped, auditKeys }: WrappedPins): Promise<Uint8Array> {
  const { split } = await verifyShare(nodeHost, readShare(path), auditKeys);
  return wrapped.find((one) => readWrapped(one).split === split) ?? (wrapped[0] as Uint8Array);
}

async function openFile(
  sitting: Sitting,
  path: string,
  wrapped: Uint8Array,
  auditKeys: readonly Uint8Array[],
): Promise<OpenedShare> {
  const { prompter, output } = sitting;
  const file = readShare(path);
  for (let left = prompter.interactive ? triesOfPeople : 1; ; left--) {
    const used: Uint8Array[] = [];
    try {
      return await openShare(file, wrapped, auditKeys, async (record) => {
        const opener = await openerOf(sitting, record);
        if (opener.kind === "passphrase") used.push(opener.passphrase);
        return opener;
      });
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code !== "PASSPHRASE-WRONG" || left <= 1) throw fault;
      output.say(`${fault.message}. Once more.`);
    } finally {
      for (const secret of used) secret.fill(0);
    }
  }
}

async function openerOf({ prompter }: Sitting, record: ShareRecord): Promise<Opener> {
  const name = shown(shareName(record));
  if (record.sealed.kind === "passphrase") {
    return { kind: "passphrase", passphrase: await prompter.secret(`The passphrase of ${name}: `) };
  }
  const path = (await prompter.line(`The path of ${openerFiles} that opens ${name}: `)).trim();
  return openerByFile(record, path, (question) => prompter.secret(question));
}

function readShare(path: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= largestShare) return bytes;
    throw new Error(`larger than ${largestShare} bytes`);
  } catch (cause) {
    throw new Refusal("USAGE", "the share cannot be read", { expected: "the file of a share", about: path, cause });
  }
}

/**
 * Re-splitting: a new PIN, split anew, so that shares of people who left open nothing. New shares are durable and proven before
 * the PIN changes, and the old ones count until the new ones opened the token: at every point one of the two sets opens it.
 */

import { existsSync, readFileSync } from "node:fs";
import {
  boxKeys,
  changePin,
  countersign,
  type KeyRow,
  lock,
  signerStatus,
  unlock,
} from "../../../appliance/client/unlock-client.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { moveDurable, writeDurable } from "../../../host/durable.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { object, optional, type Read, text } from "../../../manifests/encoding/shape.ts";
import { readWrapped, shareName } from "../../../manifests/records/share.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, pathIn, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Stage, Step } from "../../engine/procedure.ts";
import { splitPin } from "../../shares/split.ts";
import { members } from "../../shown-json.ts";
import { type BoxAtHand, boxAtHand, readHeldShares, sharesOf } from "../box-at-hand.ts";
import { leaveCopy } from "../box-copy.ts";
import { boxSigner, randomPin, withBoxToken } from "../box-token.ts";
import { witnessOf } from "../genesis/begin.ts";
import { nextWrappedPath, wrappedPath } from "../layout.ts";
import { keyInForce } from "../orders/key-in-force.ts";
import { secondTokenFacts, secondTokenSteps } from "../orders/second-token.ts";
import { checkPeopleOf } from "../people-of-policy.ts";
import { policyInForce } from "../policies-at-hand.ts";
import {
  type BoxShares,
  boxPin,
  checkHoldersHere,
  holdersHere,
  holdersOf,
  openOwn,
  pinByShares,
  pinSecret,
  sharePath,
  wipeHolders,
  writeShares,
} from "../shares-of.ts";
import { readSplit, type SplitParameters, splitIn } from "../split-parameters.ts";
import { recoveryOf, splitForRecovery } from "./recovery-split.ts";

const readValue = object({
  box: text(4096),
  /** who holds the new shares, and how many open */
  next: readSplit,
  /** the recovery holders' split, where the box has one: it is made anew too */
  recovery: optional(readSplit),
  /** shares of the second token, which is proven then */
  second: optional(readHeldShares),
  stick: text(4096),
  /** the shares that are in force, and how many open */
  unlock: readHeldShares,
  /** the signer's unlock socket */
  unlockSocket: text(4096),
});

interface Resplit {
  readonly parameters: Read<typeof readValue>;
  readonly box: BoxAtHand;
  readonly old: BoxShares;
  readonly next: SplitParameters;
  readonly recovery: SplitParameters | undefined;
  readonly stick: string;
  readonly socket: string;
}

/** Refuses CEREMONY-FILE, CONFIG, STORE. */
export function resplit(file: CeremonyFile): Procedure {
  const parameters = readParameters(file, readValue);
  const box = boxAtHand(file, parameters.box);
  const work: Resplit = {
    parameters,
    box,
    old: sharesOf(file, box, parameters.unlock),
    next: splitIn(file, parameters.next),
    recovery: recoveryOf(file, box, parameters.recovery),
    stick: pathIn(file, parameters.stick),
    socket: pathIn(file, parameters.unlockSocket),
  };
  const about = { box, file, parameters, socket: work.socket };
  return {
    name: "resplit",
    purpose: "To change the PIN and split it anew, so that retired shares open nothing.",
    steps: [...secondTokenSteps(about), splitStep(work), checkStep(work), changeStep(work), relockStep(work)],
    simulated: box.simulated,
    records: box.layout.records,
    media: work.stick,
    arc: box.arc,
    tokenCheck: async ({ begun }) => {
      if (!begun) checkPeopleOf(file, [(await policyInForce(box)).policy]);
      return { genesis: box.genesis, token: box.token.uri, ...(await secondTokenFacts(about)) };
    },
    countersign: (_, p7m) => countersign(work.socket, p7m),
    leave: () => leaveCopy({ layout: box.layout, appliance: box.appliance, media: work.stick, socket: work.socket }),
  };
}

function splitStep(work: Resplit): Step {
  const { box, next, old, stick } = work;
  return {
    id: "split",
    title: `Split a new PIN: any ${next.threshold} of ${next.holders.length} shares will open the token`,
    acts: `${old.threshold} holders of old shares, then each holder of a new one`,
    checks: "a witness",
    minutes: 10,
    script: [
      "The old shares open the token, so that the audit key can sign the new ones. The PIN does not change yet.",
      `The new shares are written to ${stick}, in coldseal/shares; each holder takes the own one on a medium of the own.`,
    ],
    wayBack: "Try again: the old shares still open the token.",
    needs: [],
    perform: async (stage) => {
      const here = next.holders.filter(({ person }) => stage.present().includes(person));
      checkHoldersHere(stage, { holders: next.holders.map(({ person }) => person), threshold: next.threshold });
      const { key, shares } = await inForce(work);
      const pin = await boxPin(stage, shares);
      const holders = await holdersOf(stage, { ...next, holders: here });
      const made = randomPin(pin.length);
      try {
        const split = await withBoxToken(shares.token, (process) => {
          const { sign } = boxSigner(process, shares.token.uri, pin, key);
          const { token } = readWrapped(old.wrapped);
          const what = {
            appliance: box.appliance,
            token,
            purpose: "unlock",
            threshold: next.threshold,
            holders,
          } as const;
          return splitPin(made, { ...what, now: stage.now() }, sign);
        });
        await writeDurable(nextWrappedPath(box.layout, "unlock"), split.wrapped, { mode: 0o600 });
        await writeShares(stage, stick, "unlock", split);
        const recovery = await splitForRecovery(stage, { ...work, key, shares }, made, pin);
        const facts = {
          holders: here.map(({ person }) => person).join(", "),
          split: split.split,
          ...recovery,
          "split before": readWrapped(old.wrapped).split,
          threshold: `${next.threshold} of ${here.length}`,
          "wrapped PIN, SHA-256": hex(sha256(split.wrapped)),
        };
        return { people: [...here.map(({ person }) => person), witnessOf(stage)], facts };
      } finally {
        made.fill(0);
        wipeHolders(holders);
      }
    },
  };
}

function checkStep(work: Resplit): Step {
  const { next } = work;
  return {
    id: "share-check",
    title: "Each holder proves that the new share opens",
    acts: "each holder of a new share",
    checks: "a witness",
    minutes: 10,
    script: [`At least ${next.threshold} must be proven before the PIN changes.`],
    wayBack:
      "Type the passphrase again, or strike out the holder; fewer than the threshold: abandon, the old shares hold.",
    needs: ["split"],
    perform: async (stage) => {
      const shares = await nextShares(stage, work);
      const holders = holdersHere(stage, shares.holders);
      checkHoldersHere(stage, shares);
      const facts: Record<string, string> = {};
      for (const holder of holders) {
        const { record, piece } = await openOwn(stage, holder, shares);
        piece.fill(0);
        facts[holder] = `${shareName(record)}: opens`;
      }
      return { people: [...holders, witnessOf(stage)], facts };
    },
  };
}

function changeStep(work: Resplit): Step {
  const { socket } = work;
  return {
    id: "change-pin",
    title: "Lock the box, and change the token's PIN",
    acts: "the administrator, and holders of new shares",
    checks: "a witness",
    minutes: 5,
    script: [
      "The signer is locked. The token takes the new PIN in place of the old one.",
      "From here on the new shares open it, and the old ones do not.",
    ],
    wayBack: "Try again: where the PIN changed before an interruption, the step finds that out.",
    needs: ["share-check"],
    perform: async (stage) => {
      if (members(await signerStatus(socket)).locked === false) await lock(socket);
      const shares = await nextShares(stage, work);
      const made = await pinByShares(stage, holdersHere(stage, shares.holders).slice(0, shares.threshold), shares);
      try {
        const changed = await takes(shares.token, made);
        if (!changed) {
          const pin = await boxPin(stage, (await inForce(work)).shares);
          await changePin(socket, pin, made);
        }
        return {
          people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
          facts: { "PIN changed": changed ? "before an interruption" : "now" },
        };
      } finally {
        made.fill(0);
        stage.secrets.drop(pinSecret);
      }
    },
  };
}

function relockStep(work: Resplit): Step {
  const { box, old, socket } = work;
  return {
    id: "relock",
    title: "Unlock the box by new shares alone; then the old ones are destroyed",
    acts: "holders of new shares",
    checks: "a witness",
    minutes: 5,
    script: [
      "The new shares unlock the box.",
      "Only then what the old shares belong to is removed from the box, and their holders destroy them.",
    ],
    wayBack: "Try again with other holders.",
    needs: ["change-pin"],
    perform: async (stage) => {
      const shares = await nextShares(stage, work);
      if (members(await signerStatus(socket)).locked !== false) {
        const pin = await pinByShares(stage, holdersHere(stage, shares.holders).slice(0, shares.threshold), shares);
        await unlock(socket, pin).finally(() => pin.fill(0));
      }
      for (const purpose of ["recovery", "unlock"]) {
        const path = nextWrappedPath(box.layout, purpose);
        if (existsSync(path)) await moveDurable(path, wrappedPath(box.layout, purpose));
      }
      const leader = leaderOf(stage.file, stage.present());
      await stage.scene.confirm(leader, `Were the old shares (${old.holders.join(", ")}) destroyed?`);
      const { split = "", "split before": before = "" } = stage.facts("split");
      return { people: [leader, witnessOf(stage)], facts: { "split in force": split, "split retired": before } };
    },
  };
}

/** The old shares, on the token in force, and the audit key that signs new ones. */
async function inForce({ old, socket }: Resplit): Promise<{ readonly key: KeyRow; readonly shares: BoxShares }> {
  const keys = await boxKeys(socket);
  const key = keyInForce(keys, "audit");
  const auditKeys = keys.filter(({ purpose }) => purpose === "audit").map(({ spki }) => spki);
  return { key, shares: { ...old, auditKeys, token: key.token } };
}

/** The shares of the split that this ceremony made; those of its wrapped PIN wherever that stands by now. */
async function nextShares(stage: Stage, work: Resplit): Promise<BoxShares> {
  const { box, stick, next } = work;
  const path = nextWrappedPath(box.layout, "unlock");
  const wrapped = readFileSync(existsSync(path) ? path : wrappedPath(box.layout, "unlock"));
  const holders = (stage.facts("split").holders ?? "").split(", ");
  return {
    ...(await inForce(work)).shares,
    wrapped,
    path: (holder) => sharePath(stick, stage.file.archive, "unlock", holder),
    threshold: next.threshold,
    holders,
  };
}

/** Whether the token takes the PIN. Refuses HSM codes, PIN-LOCKED. */
async function takes(token: BoxShares["token"], pin: Uint8Array): Promise<boolean> {
  try {
    await withBoxToken(token, (process) => process.check(token.uri, pin));
    return true;
  } catch (fault) {
    if (fault instanceof Refusal && fault.code === "PIN-WRONG") return false;
    throw fault;
  }
}

/** The PIN is split among its holders, each proves the own share, and from then on it opens by shares alone. */

import { readFileSync } from "node:fs";
import { sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { type SplitPurpose, shareName } from "../../../manifests/records/share.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { type SplitMade, splitPin } from "../../shares/split.ts";
import { boxSigner, withBoxToken } from "../box-token.ts";
import { boxLayout, wrappedPath } from "../layout.ts";
import {
  type BoxShares,
  boxPin,
  checkHoldersHere,
  holdersHere,
  holdersOf,
  openOwn,
  pinSecret,
  sharePath,
  wipeHolders,
  writeShares,
} from "../shares-of.ts";
import type { SplitParameters } from "../split-parameters.ts";
import { witnessOf } from "./begin.ts";
import type { TokenParameters } from "./parameters.ts";
import { keyOf, soPinSecret } from "./token.ts";

export function splitStep(parameters: TokenParameters): Step {
  const { recovery, soPin, unlock, stick } = parameters;
  return {
    id: "split",
    title: `Split the PIN: any ${unlock.threshold} of ${unlock.holders.length} shares open the token`,
    acts: "each holder of a share",
    checks: "a witness",
    minutes: 10,
    script: [
      "Each holder without a certificate for encryption types a new passphrase twice, unseen by others.",
      `The shares are written to ${stick}, in coldseal/shares; each holder takes the own one on a medium of the own.`,
      ...(recovery
        ? [`Recovery holders get a split of their own: ${recovery.threshold} of ${recovery.holders.length}.`]
        : []),
      soPin
        ? `The SO PIN is split apart: ${soPin.threshold} of ${soPin.holders.length}.`
        : "The SO PIN is destroyed: nobody ever knows it.",
    ],
    wayBack: "Try again. After a pause the ceremony goes back to the token: what was in memory is gone.",
    needs: ["audit-key"],
    restartAt: "token",
    perform: async (stage) => {
      const made = await splitFor(stage, parameters, "unlock", unlock, pinSecret);
      const facts: Record<string, string> = factsOf(stage, made, unlock);
      if (recovery) {
        const apart = await splitFor(stage, parameters, "recovery", recovery, pinSecret);
        facts.recovery = `split ${apart.split}: ${recovery.threshold} of ${recovery.holders.length}`;
      }
      if (soPin) {
        const apart = await splitFor(stage, parameters, "so-pin", soPin, soPinSecret);
        facts["SO PIN"] = `split ${apart.split}: ${soPin.threshold} of ${soPin.holders.length}`;
      } else facts["SO PIN"] = "destroyed";
      stage.secrets.drop(soPinSecret);
      const all = [...unlock.holders, ...(recovery?.holders ?? [])].map(({ person }) => person);
      return { people: [...new Set(all), witnessOf(stage)], facts };
    },
  };
}

export function shareCheckStep(parameters: TokenParameters): Step {
  const { unlock } = parameters;
  return {
    id: "share-check",
    title: "Each holder proves that the own share opens",
    acts: "each holder of a share",
    checks: "a witness",
    minutes: 10,
    script: [
      "Each holder who is here gives the share and its passphrase or key; nothing is unlocked by that.",
      `At least ${unlock.threshold} must be proven before the PIN leaves the memory.`,
    ],
    wayBack: "Type the passphrase again, or strike out the holder; fewer than the threshold: begin again at the token.",
    needs: ["split"],
    perform: async (stage) => {
      const shares = sharesInForce(stage, parameters);
      const facts: Record<string, string> = {};
      const holders = holdersHere(stage, shares.holders);
      for (const holder of holders) {
        const { record, piece } = await openOwn(stage, holder, shares);
        piece.fill(0);
        facts[holder] = `${shareName(record)}: opens`;
      }
      checkHoldersHere(stage, shares);
      return { people: [...holders, witnessOf(stage)], facts };
    },
  };
}

export function relockStep(parameters: TokenParameters): Step {
  const { unlock } = parameters;
  return {
    id: "relock",
    title: "Lock the token, and unlock it by shares alone",
    acts: `${unlock.threshold} holders of shares`,
    checks: "a witness",
    minutes: 5,
    script: [
      "The PIN is wiped from memory. From here on the token opens by shares, or not at all.",
      "The holders give their shares; the token takes the PIN that they make.",
    ],
    wayBack: "Try again with other holders. If no set of shares opens the token, abandon: nothing depends on it yet.",
    needs: ["share-check"],
    perform: async (stage) => {
      stage.secrets.drop(pinSecret);
      const holders = holdersHere(stage, sharesInForce(stage, parameters).holders).slice(0, unlock.threshold);
      await genesisPin(stage, parameters);
      return { people: [...holders, witnessOf(stage)], facts: { "opened by": holders.join(", ") } };
    },
  };
}

/** The PIN of the token that this genesis makes. Refuses as `boxPin` of shares-of.ts. */
export function genesisPin(stage: Stage, parameters: TokenParameters): Promise<Uint8Array> {
  return boxPin(stage, sharesInForce(stage, parameters));
}

async function splitFor(
  stage: Stage,
  parameters: TokenParameters,
  purpose: SplitPurpose,
  wanted: SplitParameters,
  secret: string,
): Promise<SplitMade> {
  const { token, box, stick } = parameters;
  const { serial = "", uri = "" } = stage.facts("token");
  // Whoever is not here cannot choose a passphrase, and does not take a share away.
  const here = wanted.holders.filter(({ person }) => stage.present().includes(person));
  checkHoldersHere(stage, { holders: wanted.holders.map(({ person }) => person), threshold: wanted.threshold });
  const holders = await holdersOf(stage, { ...wanted, holders: here });
  try {
    const made = await withBoxToken(token, (process) => {
      const { sign } = boxSigner(process, uri, stage.secrets.use(pinSecret), keyOf(stage, "audit-key"));
      const what = { appliance: stage.file.appliance, token: serial, purpose, threshold: wanted.threshold, holders };
      return splitPin(stage.secrets.use(secret), { ...what, now: stage.now() }, sign);
    });
    const layout = boxLayout(box);
    await makeFolder(layout.state);
    await writeDurable(wrappedPath(layout, purpose), made.wrapped, { mode: 0o600 });
    await writeShares(stage, stick, purpose, made);
    return made;
  } finally {
    wipeHolders(holders);
  }
}

function sharesInForce(stage: Stage, { box, stick, token, unlock }: TokenParameters): BoxShares {
  return {
    wrapped: readFileSync(wrappedPath(boxLayout(box), "unlock")),
    auditKeys: [keyOf(stage, "audit-key").spki],
    path: (holder) => sharePath(stick, stage.file.archive, "unlock", holder),
    token: { ...token, uri: stage.facts("token").uri as string },
    threshold: unlock.threshold,
    holders: unlock.holders.map(({ person }) => person),
  };
}

function factsOf(stage: Stage, made: SplitMade, { holders, threshold }: SplitParameters): Record<string, string> {
  const here = holdersHere(
    stage,
    holders.map(({ person }) => person),
  );
  return {
    holders: here.join(", "),
    split: made.split,
    threshold: `${threshold} of ${here.length}`,
    "wrapped PIN, SHA-256": hex(sha256(made.wrapped)),
  };
}

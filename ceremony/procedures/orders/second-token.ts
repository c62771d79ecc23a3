/** The second token is proven at ceremonies: its shares open it, its keys are on it, its certificates hold. Else a loss finds out that it is no use. */

import { existsSync } from "node:fs";
import { boxKeys, type KeyRow } from "../../../appliance/client/unlock-client.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { checkSignature } from "../../../manifests/cms/signature.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { CeremonyFile } from "../../engine/ceremony-file.ts";
import type { Facts, Step } from "../../engine/procedure.ts";
import { type BoxAtHand, type HeldShares, sharesOf } from "../box-at-hand.ts";
import { boxSigner, withBoxToken } from "../box-token.ts";
import { witnessOf } from "../genesis/begin.ts";
import { boxLayout, wrappedPath } from "../layout.ts";
import { type BoxShares, boxPin, holdersHere } from "../shares-of.ts";
import { keyInForce } from "./key-in-force.ts";

/** Of a running box, what this needs. */
interface Running {
  readonly box: BoxAtHand;
  readonly file: CeremonyFile;
  readonly parameters: { readonly second?: HeldShares };
  readonly socket: string;
}

const secret = "PIN of the second token";

/** What the self-test says of it: a second token that a ceremony does not prove is no silent matter. */
export async function secondTokenFacts({ socket, parameters, box }: Running): Promise<Facts> {
  const found = await secondKeys(socket);
  if (found.length === 0 || !existsSync(wrappedPath(boxLayout(box.layout.successor), "unlock"))) return {};
  const tested = parameters.second !== undefined;
  return { "second token": tested ? "proven in a step" : "NOT TESTED: the file does not name its shares" };
}

/** The step that proves it, where the file names its shares. */
export function secondTokenSteps(running: Running): readonly Step[] {
  const { second } = running.parameters;
  return second ? [secondTokenStep(running, second)] : [];
}

function secondTokenStep(running: Running, held: HeldShares): Step {
  return {
    id: "second-token",
    title: "Prove the second token: PIN, shares, keys, certificates",
    acts: `${held.threshold} holders of its shares`,
    checks: "a witness",
    minutes: 5,
    script: [
      "The holders give their shares of the second token; it takes the PIN that they make.",
      "Its audit key signs a proof, its sealing key is there, and both certificates are valid now.",
    ],
    wayBack: "Try again with other holders. Where it fails, a new second token is due: leave this out, and say so.",
    needs: [],
    mayBeSkipped: true,
    perform: async (stage) => {
      const keys = await secondKeys(running.socket);
      const [audit, sealing] = (["audit", "sealing"] as const).map((purpose) => keyOn(keys, purpose)) as [
        KeyRow,
        KeyRow,
      ];
      const shares = await sharesOfSecond(running, held, audit);
      const pin = await boxPin(stage, shares, secret);
      try {
        await prove(shares, pin, { audit, sealing });
      } finally {
        stage.secrets.drop(secret);
      }
      return {
        people: [...holdersHere(stage, shares.holders).slice(0, shares.threshold), witnessOf(stage)],
        facts: {
          token: audit.token.uri,
          "audit key": `signed a proof; ${validity(audit, stage.now())}`,
          "sealing key": `is there; ${validity(sealing, stage.now())}`,
        },
      };
    },
  };
}

/** Keys of the token that was staged last and is not in force. */
async function secondKeys(socket: string): Promise<readonly KeyRow[]> {
  const keys = await boxKeys(socket);
  const inForce = keyInForce(keys, "audit").token.uri;
  const last = keys.findLast(({ state, token }) => token.uri !== inForce && state === "usable")?.token.uri;
  return keys.filter(({ token }) => token.uri === last);
}

function keyOn(keys: readonly KeyRow[], purpose: KeyRow["purpose"]): KeyRow {
  const key = keys.findLast((one) => one.purpose === purpose);
  if (key) return key;
  throw new Refusal("HSM-KEY", `the second token has no ${purpose} key`, { expected: "a token made by `successor`" });
}

async function sharesOfSecond(running: Running, held: HeldShares, { token }: KeyRow): Promise<BoxShares> {
  const { box, file, socket } = running;
  const shares = sharesOf(file, { ...box, layout: boxLayout(box.layout.successor) }, held);
  const audit = (await boxKeys(socket)).filter(({ purpose }) => purpose === "audit");
  return { ...shares, auditKeys: audit.map(({ spki }) => spki), token };
}

async function prove(
  { token }: BoxShares,
  pin: Uint8Array,
  { audit, sealing }: Readonly<Record<"audit" | "sealing", KeyRow>>,
): Promise<void> {
  const message = utf8("coldseal: proof that this key is on the second token");
  await withBoxToken(token, async (process) => {
    const { sign, suite } = boxSigner(process, token.uri, pin, audit);
    await checkSignature(nodeHost, { suite, spki: audit.spki, message, signature: await sign(message) });
    // A sealing key signs documents alone: that it is there must do.
    const id = /;id=([^;]+)/.exec(sealing.uri)?.[1] ?? "";
    const found = await process.keys(token.uri, pin);
    if (found.some((one) => one.id === idOf(id))) return;
    throw new Refusal("HSM-KEY", "the sealing key is not on the second token", { expected: sealing.uri });
  });
}

/** `%B6%BC...` or plain bytes of a PKCS#11 URI (RFC 7512) as hex. */
function idOf(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const escaped = text[at] === "%";
    bytes.push(escaped ? Number.parseInt(text.slice(at + 1, at + 3), 16) : text.charCodeAt(at));
    if (escaped) at += 2;
  }
  return hex(Uint8Array.from(bytes));
}

function validity({ notAfter, purpose }: KeyRow, now: string): string {
  if (notAfter !== null && notAfter > now) return `certificate until ${notAfter}`;
  throw new Refusal("PATH-TIME", `the second token's ${purpose} key has no valid certificate`, {
    expected: "a certificate that is valid now",
    got: notAfter === null ? "none" : `one until ${notAfter}`,
  });
}

/** The box that a ceremony is about: its token, its certificates, the shares that the file names, its signer. */

import { existsSync, readFileSync } from "node:fs";
import { boxKeys, boxStanding, type KeyRow, wrappedPins } from "../../appliance/client/unlock-client.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { keyEntries } from "../../manifests/records/key-purpose.ts";
import { readWrapped, shareName, verifyShare } from "../../manifests/records/share.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type CeremonyFile, pathIn, tokenIn } from "../engine/ceremony-file.ts";
import { boxAtHand } from "../procedures/box-at-hand.ts";
import { wrappedPath } from "../procedures/layout.ts";
import { bundlesOn, copiesOn } from "../procedures/recover/media-copies.ts";
import { recoverParameters } from "../procedures/recover/parameters.ts";
import { asList, asNumber, asText, members } from "../shown-json.ts";
import { tokenProcess } from "../tokens/token-process.ts";
import { certificateReady, type Days } from "./certificate-ready.ts";
import { type Finding, look, missing, well } from "./finding.ts";
import { tokenReady } from "./people-ready.ts";

/** What the file's parameters name; what they do not is not looked at. */
export async function boxReady(file: CeremonyFile, days: Days): Promise<readonly Finding[]> {
  const { box, next, second, soPin, token, unlock, unlockSocket } = file.parameters;
  const socket = asText(unlockSocket);
  // The box of a recovery is not there yet: what it is made from is.
  if (file.ceremony === "recover") return recoveryReady(file);
  return [
    ...(await emptyTokenReady(file, members(token))),
    ...(socket === null ? [] : [await look("signer", () => signerReady(pathIn(file, socket)))]),
    ...(typeof box === "string" && file.ceremony !== "genesis" ? await madeBoxReady(file, box, socket, days) : []),
    ...(await sharesReady(file, asText(box), members(unlock), socket)),
    ...secondReady(file, second),
    ...(await holdersReady(file, days, unlock, next, soPin)),
  ];
}

/** Shares of the second token are only looked for: the ceremony opens them. */
function secondReady(file: CeremonyFile, second: Json | undefined): readonly Finding[] {
  return asList(members(second).shares)
    .map(members)
    .map(({ file: path, person }) => {
      const at = pathIn(file, asText(path) ?? "");
      const about = `share of ${asText(person) ?? "?"} of the second token`;
      return { about, ...(existsSync(at) ? well(at) : missing(`SHARE-SHORT: it is not there: ${at}`)) };
    });
}

/** Media with a copy of the box, bundles on them, shares, and a folder for the new box that holds none. */
async function recoveryReady(file: CeremonyFile): Promise<readonly Finding[]> {
  const { appliance } = file;
  const { from, layout, unlock } = recoverParameters(file);
  const shares = unlock.shares.map(({ file: path, person }) => {
    const at = pathIn(file, path);
    return {
      about: `share of ${person}`,
      ...(existsSync(at) ? well(at) : missing(`SHARE-SHORT: it is not there: ${at}`)),
    };
  });
  return [
    await look("copy of the lost box", async () =>
      well(`${(await copiesOn(from, appliance)).size} files on ${from.join(", ")}`),
    ),
    await look("bundles and audit files", async () =>
      well(`${(await bundlesOn(from)).length} folders with a manifest`),
    ),
    await look("place of the new box", () =>
      existsSync(layout.signerJson) ? missing(`STORE: a box is there already: ${layout.signerJson}`) : well("empty"),
    ),
    ...shares,
  ];
}

/** A token that the ceremony makes needs an empty slot. */
async function emptyTokenReady(file: CeremonyFile, token: ReturnType<typeof members>): Promise<readonly Finding[]> {
  const [label, module] = [asText(token.label), asText(token.module)];
  if (label === null || module === null) return [];
  const environment = members(token.environment) as Readonly<Record<string, string>>;
  const place = tokenIn({ environment, module }, file.folder);
  return [
    await look(`empty token for ${label}`, async () => {
      const { longest, shortest } = await tokenProcess(place).pinLimits(label);
      return well(`there, takes PINs of ${shortest} to ${longest} characters`);
    }),
  ];
}

async function signerReady(socket: string): Promise<Omit<Finding, "about">> {
  const { locked, closing } = await boxStanding(socket);
  return well(closing !== null ? "answers; the box is closed" : locked ? "answers; locked" : "answers; unlocked");
}

async function madeBoxReady(
  file: CeremonyFile,
  folder: string,
  socket: string | null,
  days: Days,
): Promise<readonly Finding[]> {
  const box = await look("box", () => well(boxAtHand(file, folder).layout.signerJson));
  if (box.state !== "well") return [box];
  const { keys, token } = boxAtHand(file, folder);
  const inUse = (socket === null ? undefined : await keysOf(pathIn(file, socket)))?.find((key) => key.inForce)?.token;
  const certificates = keyEntries(keys).flatMap(([name, key]) =>
    key.certificates.slice(0, 1).map((path) => [name, path] as const),
  );
  const findings = [box, await look("token of the box", () => tokenReady(inUse ?? token))];
  for (const [name, path] of certificates) {
    findings.push(await look(`certificate of the ${name} key of the genesis`, () => certificateReady(path, days)));
  }
  return findings;
}

async function keysOf(socket: string): Promise<readonly KeyRow[] | undefined> {
  try {
    return await boxKeys(socket);
  } catch (fault) {
    if (fault instanceof Refusal) return undefined;
    throw fault;
  }
}

/** Each share that is named belongs to the split in force, and there are enough of them; none is opened. */
async function sharesReady(
  file: CeremonyFile,
  box: string | null,
  unlock: ReturnType<typeof members>,
  socket: string | null,
): Promise<readonly Finding[]> {
  const shares = asList(unlock.shares).map(members);
  if (shares.length === 0 || box === null) return [];
  const findings: Finding[] = [];
  for (const { file: path, person } of shares) {
    const holder = asText(person) ?? "?";
    findings.push(await look(`share of ${holder}`, () => shareReady(file, box, socket, asText(path) ?? "", holder)));
  }
  const good = findings.filter(({ state }) => state === "well").length;
  const threshold = asNumber(unlock.threshold) ?? 2;
  const enough = good < threshold ? missing(`SHARE-SHORT: ${good} of ${threshold} that it takes`) : undefined;
  return [...findings, ...(enough ? [{ about: "shares together", ...enough }] : [])];
}

async function shareReady(
  file: CeremonyFile,
  box: string,
  socket: string | null,
  path: string,
  holder: string,
): Promise<Omit<Finding, "about">> {
  const { keys, layout } = boxAtHand(file, box);
  const auditKeys = socket === null ? [keys.audit.spki] : (await wrappedPins(pathIn(file, socket))).auditKeys;
  const at = pathIn(file, path);
  if (!existsSync(at)) throw new Refusal("SHARE-SHORT", "the share is not there", { expected: at });
  const record = await verifyShare(nodeHost, readFileSync(at), auditKeys);
  const { split } = readWrapped(readFileSync(wrappedPath(layout, "unlock")));
  if (record.holder !== holder) return missing(`SHARE-FOREIGN: it is ${shareName(record)}`);
  if (record.split !== split) return missing(`SHARE-FOREIGN: ${shareName(record)}, of split ${record.split}`);
  return well(`${shareName(record)}, of the split in force; not opened`);
}

/** Certificates that new shares are encrypted to. */
async function holdersReady(
  file: CeremonyFile,
  days: Days,
  ...splits: readonly (Json | undefined)[]
): Promise<readonly Finding[]> {
  const holders = splits.flatMap((split) => asList(members(split).holders).map(members));
  const findings: Finding[] = [];
  for (const { person, certificate } of holders) {
    const path = asText(certificate);
    if (path === null) continue;
    const about = `certificate for encryption of ${asText(person) ?? "?"}`;
    findings.push(await look(about, () => certificateReady(pathIn(file, path), days)));
  }
  return findings;
}

/** The self-test of the exact build, before a ceremony's first step: known answers, the running source, clock, network. */

import { createDecipheriv, scryptSync } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeHost } from "../../host/crypto-host.ts";
import { otherLinks, readInitialLinks } from "../../host/network-links.ts";
import { boxFolders, type Software, softwareOf } from "../../host/software-digest.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { fromHex, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { Facts } from "./procedure.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** What runs a ceremony: the box's own folders and the ceremonies. */
export function runningSoftware(): Software {
  return softwareOf(root, [...boxFolders, "ceremony"]);
}

/** Facts of the self-test, for the entry that opens or resumes a ceremony. Refuses CEREMONY-STATE when an answer is wrong. */
export async function selfTest(tokens: Facts, now: string): Promise<Facts> {
  const { digest, version } = runningSoftware();
  await checkKnownAnswers();
  return {
    clock: now,
    "known answers": `${knownAnswers.length} of ${knownAnswers.length}: ${knownAnswers.map(([name]) => name).join(", ")}`,
    network: networkWords(),
    "software digest": digest,
    "software version": version,
    ...tokens,
  };
}

/** Each with its source; all are public. */
const knownAnswers: readonly (readonly [string, () => boolean | Promise<boolean>])[] = [
  ["SHA-256 (FIPS 180-4, abc)", sha256Answer],
  ["ECDSA P-256 (RFC 6979 A.2.5)", ecdsaAnswer],
  ["AES-256-GCM (GCM specification, test case 14)", gcmAnswer],
  ["scrypt (RFC 7914 12)", scryptAnswer],
];

async function checkKnownAnswers(): Promise<void> {
  for (const [name, answer] of knownAnswers) {
    if (await answer()) continue;
    throw new Refusal("CEREMONY-STATE", "a known answer is wrong: this build must not hold a ceremony", {
      expected: name,
      got: "another answer",
    });
  }
}

async function sha256Answer(): Promise<boolean> {
  const digest = await nodeHost.digest("sha256", utf8("abc"));
  return hex(digest) === "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
}

/** The signature of "sample" holds, and does not hold for "test". */
async function ecdsaAnswer(): Promise<boolean> {
  const spki = fromHex(
    "3059301306072a8648ce3d020106082a8648ce3d030107034200" +
      "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" +
      "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
  );
  const signature = fromHex(
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
      "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
  );
  const suite = suiteOf("ecdsa-p256-sha256");
  const holds = await nodeHost.verify(suite, spki, utf8("sample"), signature);
  return holds && !(await nodeHost.verify(suite, spki, utf8("test"), signature));
}

function gcmAnswer(): boolean {
  const decipher = createDecipheriv("aes-256-gcm", new Uint8Array(32), new Uint8Array(12));
  decipher.setAuthTag(fromHex("d0d1c8a799996bf0265b98b5d48ab919"));
  const plain = decipher.update(fromHex("cea7403d4d606b6e074ec5d3baf39d18"));
  return Buffer.concat([plain, decipher.final()]).equals(new Uint8Array(16));
}

function scryptAnswer(): boolean {
  const key = scryptSync("", "", 64, { N: 16, r: 1, p: 1 });
  return key.toString("hex").startsWith("77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442");
}

/** GAP, as far as a ceremony says it: it is recorded here, and a policy's matter at the box. */
function networkWords(): string {
  try {
    const others = otherLinks(readInitialLinks);
    return others.length === 0 ? "no link" : `links: ${others.join(", ")}`;
  } catch (fault) {
    return `not known: ${asRefusal(fault, "INTERNAL", "the links cannot be read").message}`;
  }
}

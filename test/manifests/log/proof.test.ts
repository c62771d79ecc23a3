import { beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { readLogTrust } from "../../../manifests/log/log-trust.ts";
import {
  checkIncluded,
  checkLogProof,
  type IncludedEntry,
  isLogProof,
  type LogProof,
  logProofBytes,
  mostProofBytes,
  readLogProof,
} from "../../../manifests/log/proof.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { logProof, logTrust, origin, witnessKeys } from "../../bundle/log.ts";
import { codeOf } from "./code-of.ts";
import { logKey } from "./log-keys.ts";

let bundle: Bundle;
let proof: LogProof;
beforeAll(async () => {
  bundle = await buildBundle();
  proof = await logProof(bundle, { seals: [2] });
});

type Free = Record<string, Json>;
const changed = (change: (file: Free) => Json) => canonicalBytes(change(readCanonical(logProofBytes(proof)) as Free));

describe("a log's proof", () => {
  it("LOG-PROOF: holds as it is written, is read as the same, and is known by its first byte", async () => {
    const bytes = logProofBytes(proof);
    expect(readLogProof(bytes)).toEqual(proof);
    expect([isLogProof(bytes), isLogProof(Uint8Array.of(0x30))]).toEqual([true, false]);
    const { cosigners, size } = await checkLogProof(nodeHost, readLogProof(bytes), await logTrust());
    expect([size, cosigners.map(({ key }) => key.name)]).toEqual([14, ["witness.example/a", "witness.example/b"]]);
    expect(Object.keys(readCanonical(bytes) as object)).toEqual(["checkpoint", "entries", "type", "version"]);
  });

  it("LOG-PROOF: another salt, record, index, path or root is not in the tree", async () => {
    const [manifest, seal] = proof.entries as readonly [IncludedEntry, IncludedEntry];
    const check = (entries: readonly IncludedEntry[]) => codeOf(() => checkIncluded(nodeHost, { ...proof, entries }));
    expect(await check([manifest, seal])).toBe("taken");
    expect(await check([{ ...manifest, salt: seal.salt }])).toBe("LOG-PROOF");
    expect(await check([{ ...manifest, record: seal.record }])).toBe("LOG-PROOF");
    expect(await check([manifest, { ...seal, index: seal.index + 1 }])).toBe("LOG-PROOF");
    expect(await check([manifest, { ...seal, path: manifest.path }])).toBe("LOG-PROOF");
    expect(await check([manifest, { ...seal, index: 14 }])).toBe("LOG-PROOF");
    const other = await logProof(bundle, { checkpoint: (right) => ({ ...right, size: 8 }) });
    expect(await codeOf(() => checkIncluded(nodeHost, other))).toBe("LOG-PROOF");
  });

  it("LOG-NOTE: a proof that leads to a checkpoint of another key, or of too few witnesses, does not hold", async () => {
    const trust = await logTrust();
    const check = async (made: Promise<LogProof>) => codeOf(async () => checkLogProof(nodeHost, await made, trust));
    const [first] = await witnessKeys();
    const imposter = await logKey("imposter");
    const named = { ...imposter, vkey: { ...imposter.vkey, name: origin } };
    expect(await check(logProof(bundle, { log: named }))).toBe("LOG-NOTE");
    expect(await check(logProof(bundle, { witnesses: first ? [first] : [] }))).toBe("LOG-NOTE");
    expect(await check(logProof(bundle))).toBe("taken");
  });

  it("LOG-FORM: other entries than one, or a manifest's and one of its seals', are refused", async () => {
    const [manifest, seal] = proof.entries as readonly [IncludedEntry, IncludedEntry];
    const write = (...entries: readonly IncludedEntry[]) => codeOf(() => logProofBytes({ ...proof, entries }));
    expect(await write(seal)).toBe("taken");
    expect(await write()).toBe("LOG-FORM");
    expect(await write(seal, manifest)).toBe("LOG-FORM");
    expect(await write(manifest, manifest)).toBe("LOG-FORM");
    expect(await write(manifest, seal, seal)).toBe("LOG-FORM");
    expect(await write(manifest, { ...seal, index: manifest.index })).toBe("LOG-FORM");
    for (const change of [
      { number: 2 },
      { appliance: "box-2" },
      { genesis: "00".repeat(32) },
      { manifest: "00".repeat(32) },
    ]) {
      const record = { ...seal.record, ...change } as IncludedEntry["record"];
      expect(await write(manifest, { ...seal, record }), JSON.stringify(change)).toBe("LOG-FORM");
    }
  });

  it("LOG-FORM: other members, versions, lengths and bytes that are not canonical are refused", async () => {
    const read = (bytes: Uint8Array) => codeOf(() => readLogProof(bytes));
    expect(await read(changed((file) => file))).toBe("taken");
    expect(await read(changed((file) => ({ ...file, version: 2 })))).toBe("LOG-FORM");
    expect(await read(changed((file) => ({ ...file, more: 1 })))).toBe("LOG-FORM");
    expect(await read(changed((file) => ({ ...file, checkpoint: `${file.checkpoint}=` })))).toBe("LOG-FORM");
    expect(await read(changed(({ type: _, ...file }) => file))).toBe("LOG-FORM");
    expect(await read(utf8(`${fromUtf8(logProofBytes(proof))}\n`))).toBe("LOG-FORM");
    expect(await read(utf8("[".repeat(20_000)))).toBe("LOG-FORM");
    expect(await read(new Uint8Array(mostProofBytes + 1))).toBe("LOG-FORM");
    const longPath = (entry: Free) => ({ ...entry, path: Array.from({ length: 54 }, () => "00".repeat(32)) });
    expect(await read(changed((file) => ({ ...file, entries: (file.entries as Free[]).map(longPath) })))).toBe(
      "LOG-FORM",
    );
  });
});

describe("the keys that a person gives", () => {
  it("LOG-NOTE: are read as trust in all witnesses that are named, unless fewer are asked for", async () => {
    const trust = await logTrust();
    const witnesses = trust.witnesses.map(verifierKeyText);
    const log = verifierKeyText(trust.log);
    expect(await readLogTrust(nodeHost, {})).toBeUndefined();
    expect(await readLogTrust(nodeHost, { log })).toEqual({ log: trust.log, witnesses: [], cosignatures: 0 });
    expect(await readLogTrust(nodeHost, { log, witnesses })).toEqual({ ...trust, cosignatures: 3 });
    expect(await readLogTrust(nodeHost, { log, witnesses, cosignatures: "2" })).toEqual(trust);
  });

  it("USAGE: what cannot be trust is refused before anything is looked at", async () => {
    const trust = await logTrust();
    const witnesses = trust.witnesses.map(verifierKeyText);
    const log = verifierKeyText(trust.log);
    for (const given of [
      { witnesses },
      { cosignatures: "1" },
      { log: "ledger.example" },
      { log: witnesses[0] as string },
      { log, witnesses: [log] },
      { log, witnesses: [...witnesses, witnesses[0] as string] },
      { log, witnesses, cosignatures: "4" },
      { log, witnesses, cosignatures: "-1" },
      { log, witnesses, cosignatures: "two" },
    ]) {
      expect(await codeOf(() => readLogTrust(nodeHost, given)), JSON.stringify(given)).toBe("USAGE");
    }
  });
});

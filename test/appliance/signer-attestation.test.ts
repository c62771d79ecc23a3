/** HONEST, QUOTE-BIND: what the signer says of its machine, with a TPM that gives what a test wants. Real TPMs: `signer-tpm.long.ts`. */

import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Attesting } from "../../appliance/signer/attest.ts";
import { orderAbort } from "../../appliance/signer/authorize.ts";
import { readConfig } from "../../appliance/signer/config.ts";
import { bundleWords } from "../../desk/verdict-words.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { machineSays } from "../../host/machine.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import {
  akPublic,
  bootLog,
  forgeAttestation,
  nameHex,
  otherKey,
  paperDevice,
  paperKey,
} from "../manifests/attest/paper-tpm.ts";
import { dissent, listOf, type MadeBatch, makeBatch, operators, policyDigest, root } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

/** A TPM of paper: `quote` may be replaced by a fault. */
class PaperTpm {
  required = false;
  key = paperKey;
  quotes: string[] = [];
  fault: Refusal | undefined;
  /** at which quote the fault comes; 0: at each */
  faultAt = 0;

  get attesting(): Attesting {
    const { required } = this;
    const quote = async (nonce: Uint8Array) => {
      this.quotes.push(nonce.toHex());
      if (this.fault && (this.faultAt === 0 || this.quotes.length === this.faultAt)) throw this.fault;
      return { attestation: forgeAttestation(nonce, { key: this.key }), logs: new Map([["event", bootLog] as const]) };
    };
    return { machine: machineSays, tpm: { key: nameHex(akPublic()), quote, required } };
  }
}

const gone = () => new Refusal("TPM-GONE", "the TPM does not answer in time", { expected: "an answer within 2 s" });

let box: TestBox;
let tpm: PaperTpm;
let batches = 0;
beforeEach(async () => {
  box = await TestBox.make();
  tpm = new PaperTpm();
});
afterEach(() => box.remove());

async function attestingBy(attesting: Attesting): Promise<MadeBatch> {
  box.attesting = attesting;
  await box.restart();
  await box.unlock();
  const batch = await makeBatch(listOf(3, `a${batches}`), { batch: `batch-${++batches}` });
  await box.authorised(batch);
  return batch;
}

const verified = async (number: number, device = true) => {
  const trust = {
    roots: [root.certificate],
    genesis: policyDigest(box.policy),
    ...(device ? { device: paperDevice() } : {}),
  };
  return verifyBundle(nodeHost, memorySource({ files: new Map(await filesOf(box, number)) }), trust);
};
const rowsOf = (verdict: Awaited<ReturnType<typeof verified>>) => Object.fromEntries(bundleWords(verdict).rows);

describe("QUOTE-BIND: with a TPM", () => {
  it("QUOTE-BIND: the manifest holds a quote whose nonce is all of the rest of it, and the log lies beside it", async () => {
    await box.seal(await attestingBy(tpm.attesting));
    const files = await filesOf(box, 1);
    expect(manifestIn(files).labels.attestation).toBe("tpm");
    expect(files.get("evidence/event-log.bin")).toEqual(bootLog);
    const verdict = await verified(1);
    expect(verdict.findings).toEqual([]);
    expect(verdict.attestation).toMatchObject({ kind: "tpm", proven: true, explained: [0, 4, 7], resets: 3 });
    const rows = rowsOf(verdict);
    expect(rows.attested).toContain("PCR 0, 4, 7, 12 (sha256) held the values in the manifest when it was made");
    expect(rows.device).toContain(
      "proven to live in the TPM of the device record (PAPR, enrolled 2026-11-01T09:00:00Z",
    );
    expect(rows.measured).toBe(
      "PCR 0, 4, 7 by the logs beside them; PCR 12 by no log, values alone; which software they stand for is claimed only",
    );
    expect(await filesOf(box, 1)).toEqual(files);
  });

  it("QUOTE-KEY: without the device's record the key is said to be anybody's, and another's record is a finding", async () => {
    await box.seal(await attestingBy(tpm.attesting));
    const verdict = await verified(1, false);
    expect(verdict.findings).toEqual([]);
    expect(rowsOf(verdict).device).toBe("AK not bound: no device record presented; the key may be anybody's");
    const files = new Map(await filesOf(box, 1));
    const trust = { roots: [root.certificate], device: paperDevice(otherKey) };
    const { findings } = await verifyBundle(nodeHost, memorySource({ files }), trust);
    expect(findings.map(({ code, file }) => `${file} ${code}`)).toEqual(["manifest.p7m QUOTE-KEY"]);
    const elsewhere = { ...trust, device: { ...paperDevice(), appliance: "box-2" } };
    expect((await verifyBundle(nodeHost, memorySource({ files }), elsewhere)).findings).toMatchObject([
      { code: "QUOTE-KEY" },
    ]);
  });

  it("QUOTE-BIND: after a crash between quote and signature the manifest is composed and quoted anew, once it is stored never", async () => {
    const batch = await attestingBy(tpm.attesting);
    let signatures = 0;
    box.hsm.onMoment = (moment) => {
      if (moment !== "after-sign" || ++signatures < 2) return;
      box.hsm.onMoment = () => undefined;
      box.kill();
      throw new Error("killed");
    };
    await expect(box.seal(batch)).rejects.toThrow();
    expect(tpm.quotes).toHaveLength(1);
    await box.open();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect(new Set(tpm.quotes).size).toBe(2);
    const before = await filesOf(box, 1);
    await box.seal(batch);
    expect(tpm.quotes).toHaveLength(2);
    expect(await filesOf(box, 1)).toEqual(before);
    expect((await verified(1)).findings).toEqual([]);
  });

  it("CHAIN: a log of the store that was changed or lost is found when it is opened", async () => {
    await box.seal(await attestingBy(tpm.attesting));
    await box.seal(await attestingBy(tpm.attesting));
    const rows = box.box.db.prepare<[], number>("SELECT count(*) FROM measurement_logs").pluck().get();
    expect(rows).toBe(1);
    box.kill();
    const db = new Database(join(box.config.state, "store.db"));
    const triggers = db
      .prepare<[], { name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'measurement_logs'",
      )
      .all();
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    db.exec("UPDATE measurement_logs SET bytes = zeroblob(9)");
    for (const { sql } of triggers) db.exec(sql);
    db.close();
    await box.open();
    expect(box.box.fault).toMatchObject({ code: "CHAIN", about: "manifest 1" });
  });
});

describe("TPM-GONE: without the TPM", () => {
  it("TPM-GONE: where a quote is required nothing is signed, no number is taken, and the batch goes on when the TPM is back", async () => {
    tpm.required = true;
    const batch = await attestingBy(tpm.attesting);
    tpm.fault = gone();
    let asked = 0;
    box.hsm.onMoment = () => void asked++;
    expect(await codeOf(box.seal(batch))).toBe("TPM-GONE");
    expect(asked).toBe(0);
    expect(box.box.batches.number(box.box.batches.find(batch.batchDigest))).toBeNull();
    tpm.fault = undefined;
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect((await verified(1)).attestation).toMatchObject({ kind: "tpm", proven: true });
  });

  it("TPM-GONE: that goes in the middle, where a quote is required, leaves the seals and goes on later, or ends by an abort", async () => {
    tpm.required = true;
    const batch = await attestingBy(tpm.attesting);
    tpm.fault = gone();
    tpm.faultAt = 2;
    expect(await codeOf(box.seal(batch))).toBe("TPM-GONE");
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    const other = await attestingBy(tpm.attesting);
    const challenge = await box.challenge(other);
    tpm.fault = gone();
    tpm.faultAt = tpm.quotes.length + 2;
    expect(await codeOf(box.seal(other))).toBe("TPM-GONE");
    tpm.faultAt = 0;
    await orderAbort(box.box, other.batchDigest, await dissent(challenge, "abort", operators.op3, "no TPM"));
    expect(await box.seal(other)).toEqual({ number: 2, outcome: "aborted" });
    expect((await verified(2)).attestation).toMatchObject({
      kind: "self-reported",
      tpm: expect.stringContaining("TPM-GONE"),
    });
  });

  it("HONEST: where none is required the manifest says so, in its label and in words", async () => {
    tpm.fault = gone();
    await box.seal(await attestingBy(tpm.attesting));
    const verdict = await verified(1);
    expect(verdict.findings).toEqual([]);
    expect(verdict.labels?.attestation).toBe("self-reported");
    expect(rowsOf(verdict).attested).toMatch(
      /^SELF-REPORTED, the box's own word: Linux .*; no TPM vouches for it: TPM-GONE: /,
    );
    expect([...(await filesOf(box, 1)).keys()].filter((path) => path.startsWith("evidence"))).toEqual([]);
  });

  it("QUOTE-KEY: a TPM that quotes by another key than the enrolled one counts as none", async () => {
    tpm.key = otherKey;
    await box.seal(await attestingBy(tpm.attesting));
    expect((await verified(1)).attestation).toMatchObject({
      kind: "self-reported",
      tpm: expect.stringContaining("QUOTE-KEY"),
    });
  });

  it("HONEST: a box that has none says what it runs on by its own word, and one that says nothing is labelled so", async () => {
    await box.seal(await attestingBy({ machine: machineSays }));
    const verdict = await verified(1);
    expect(verdict.findings).toEqual([]);
    expect(verdict.attestation).toMatchObject({ kind: "self-reported", tpm: null, runtime: `node ${process.version}` });
    const batch = await makeBatch(listOf(1, "plain"), { batch: "plain" });
    box.attesting = undefined;
    await box.restart();
    await box.unlock();
    await box.authorised(batch);
    await box.seal(batch);
    expect((await verified(2)).attestation).toEqual({ kind: "none" });
  });
});

describe("CONFIG: signer.json's attestation", () => {
  it.each<[string, object]>([
    ["PCRs that do not ascend", { pcrs: [1, 0] }],
    ["a PCR twice", { pcrs: [1, 1] }],
    ["no PCR", { pcrs: [] }],
    ["a TPM at two places", { tpm: { device: "/dev/tpmrm0", socket: "s" } }],
    ["a TPM at none", { tpm: {} }],
    ["more than it knows", { more: 1 }],
  ])("CONFIG: %s is refused", async (_, change) => {
    const { writeFileSync } = await import("node:fs");
    const file = join(box.folder, "signer.json");
    const attestation = {
      ...{ bank: "sha256", device: "device.json", kind: "tpm", logs: {}, pcrs: [0, 7], required: true, seconds: 5 },
      tpm: { device: "/dev/tpmrm0" },
    };
    const key = { uri: "pkcs11:id=%01", spki: "", certificates: [] };
    const { attesting: _a, ...config } = { ...box.config, attesting: undefined };
    const write = (member: object) =>
      writeFileSync(file, JSON.stringify({ ...config, keys: { audit: key, sealing: key }, attestation: member }));
    write(attestation);
    expect(readConfig(file).attestation).toMatchObject({ device: join(box.folder, "device.json"), pcrs: [0, 7] });
    write({ ...attestation, ...change });
    expect(() => readConfig(file)).toThrow(Refusal);
  });
});

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../bundle/build.ts";
import {
  auditOf,
  bundleAt,
  chainOf,
  digestOf,
  keeperOf,
  layAudit,
  layBundle,
  other,
  type Stick,
} from "../bundle/chain.ts";
import { root } from "../bundle/people.ts";
import { tsaRoot } from "../pki/tsa.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-chain-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let bundles: readonly Bundle[];
let first: Bundle;
let third: Bundle;
beforeAll(async () => {
  bundles = await chainOf(4);
  [first, , third] = bundles as [Bundle, Bundle, Bundle];
  writeFileSync(join(dir, "root.der"), root.certificate);
});

function lay(name: string, stick: Stick): string {
  for (const [path, bytes] of stick) {
    mkdirSync(join(dir, name, dirname(path)), { recursive: true });
    writeFileSync(join(dir, name, path), bytes);
  }
  return join(dir, name);
}

/** The whole box: bundles 1 and 2 in the outbox, 3 and 4 at the keeper's. */
function mixed(name: string): string {
  const stick = auditOf(bundles.slice(2));
  bundles.slice(0, 2).forEach((bundle, at) => {
    layBundle(stick, `coldseal/outbox/batch-${at + 1}`, bundle);
  });
  return lay(name, stick);
}

function coldseal(...words: readonly string[]) {
  return under(join(dir, "root.der"), ...words);
}

function under(ca: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["desk/main.ts", "verify", ...words, "--ca", ca], {
    encoding: "utf8",
  });
  return { status, stdout, stderr, text: stdout.replace(/\s+/g, " ") };
}

describe("coldseal verify --chain", () => {
  it("CHAIN, UX9: a whole stick: one chain, in words and as JSON", () => {
    const stick = mixed("whole");
    const said = coldseal("--chain", stick, "--genesis", first.genesis);
    expect([said.status, said.stderr]).toEqual([0, ""]);
    expect(said.stdout).toMatch(/^ONE CHAIN: numbers 1 to 4, unbroken from genesis \(mode test\)\n/);
    expect(said.text).toContain("TOTAL-PASSED (ETSI EN 319 102-1");
    expect(said.text).toContain(`${first.genesis}, which you gave`);
    expect(said.text).toContain(
      "the approvals of 4 of 4 records were counted anew, under the policy chain from the genesis digest you gave",
    );
    expect(said.text).toContain("whether there is a number 5, nothing here says");
    const json = JSON.parse(coldseal("--chain", join(stick, "coldseal/audit"), "--json").stdout) as object;
    expect(json).toMatchObject({
      ok: true,
      manifests: 2,
      gaps: [{ from: 1, to: 2, known: "by a link" }],
      quorum: "not shown",
    });
  });

  it("CHAIN: the keeper's stick alone: its policies are enough to count the approvals anew; without them, on a stick of before, it is still one chain", () => {
    const keeper = lay("keeper", keeperOf(bundles));
    for (const folder of [keeper, join(keeper, "coldseal/audit")]) {
      const said = coldseal("--chain", folder, "--genesis", first.genesis);
      expect([said.status, said.stderr]).toEqual([0, ""]);
      expect(said.text).toContain("the approvals of 4 of 4 records were counted anew");
    }
    const before = coldseal("--chain", lay("keeper-before", auditOf(bundles)), "--genesis", first.genesis);
    expect([before.status, before.stderr]).toEqual([0, ""]);
    expect(before.text).toContain("the approvals of 0 of 4 records were counted anew");
  });

  it("POLICY-SIGNERS: a policy on the keeper's stick that does not hold is a finding", () => {
    const stick = keeperOf(bundles);
    const policy = Uint8Array.from(stick.get("coldseal/audit/policy/0001.p7m") as Uint8Array);
    policy[policy.length - 1] = (policy.at(-1) as number) ^ 1;
    stick.set("coldseal/audit/policy/0001.p7m", policy);
    const said = coldseal("--chain", lay("keeper-changed", stick));
    expect(said.status).toBe(4);
    expect(said.text).toContain("coldseal/audit/policy/0001.p7m");
  });

  it("CHAIN: what is missing is named, and the exit status says that something is", () => {
    const stick = lay("gap", auditOf(bundles.filter(({ manifest }) => manifest.number !== 2)));
    const said = coldseal("--chain", stick, "--report", join(dir, "gap.html"));
    expect(said.status).toBe(1);
    expect(said.stdout).toMatch(
      /^NOT WHOLE: 3 manifests of numbers 1 to 4 hold \(mode test\), and 1 number is missing\n/,
    );
    expect(said.text).toContain("number 2 was not presented: what lies between is only claimed by number 3's link");
    expect(said.text).toContain("as the manifests say: give --genesis");
  });

  it("PATH-ROOT: under another root it says that the manifests are here and do not hold, and why; an empty folder, that none is here", () => {
    const ca = join(dir, "other.der");
    writeFileSync(ca, tsaRoot.certificate);
    const stick = lay("wrong-root", keeperOf(bundles));
    const said = under(ca, "--chain", stick);
    expect([said.status, said.stderr]).toEqual([4, ""]);
    expect(said.text).toContain(
      "not held 4 of the 4 manifests that are here: 4 by PATH-ROOT (no path to the root that you gave: is --ca this box's?)",
    );
    expect(said.text).toContain(
      "4 of 4 documents.jsonl were here; those of manifests that do not hold were held against nothing",
    );
    expect(said.text).toContain(
      "not shown: the approvals of 0 of 4 records were counted anew; of 4 the manifest does not hold",
    );
    expect(said.text).not.toMatch(/of 4 no (?:policy|approvals)/);
    expect(JSON.parse(under(ca, "--chain", stick, "--json").stdout)).toMatchObject({
      ok: false,
      records: { read: 4, lists: 4, approvalsNotPresented: 0, notHeld: [{ code: "PATH-ROOT", count: 4 }] },
    });
    const empty = under(ca, "--chain", lay("empty", new Map([["coldseal/note", new Uint8Array(0)]])));
    expect([empty.status, empty.text]).toEqual([4, expect.stringContaining("no manifest is here")]);
    expect(empty.text).not.toMatch(/not held|of every record|0 of 0/);
  });

  it("T25: two manifests of one number are both named, and the exit status is that of a failure", async () => {
    const stick = mixed("fork");
    const forked: Stick = new Map();
    layAudit(
      forked,
      await bundleAt({ number: 3, previous: digestOf(bundles[1] as Bundle) }, { manifest: other }),
      "found/audit",
    );
    lay("fork", forked);
    const said = coldseal("--chain", stick);
    expect(said.status).toBe(4);
    expect(said.stdout).toMatch(/^NOT VALID: 1 finding\n/);
    for (const words of [
      "two different manifests have number 3",
      "found/audit/3/manifest.p7m",
      "coldseal/audit/3/manifest.p7m",
      "which number 4 follows",
    ]) {
      expect(said.text).toContain(words);
    }
  });

  it("CHAIN: a bundle beside its chain says its place, and does not hold where the chain does not", async () => {
    const alone: Stick = new Map();
    layBundle(alone, ".", third);
    const folder = lay("third", alone);
    mkdirSync(join(dir, "documents"));
    for (const [name, bytes] of third.documents) writeFileSync(join(dir, "documents", name), bytes);
    const words = [folder, "--documents", join(dir, "documents"), "--genesis", first.genesis, "--chain"];
    const said = coldseal(...words, mixed("placed"));
    expect([said.status, said.stderr]).toEqual([0, ""]);
    expect(said.stdout).toMatch(/^VALID: 1 seal, all 1 document/);
    expect(said.text).toContain("number 3 of 1 to 4; unbroken from genesis to 4");
    expect(said.text).not.toContain("NOT WHOLE");
    const json = JSON.parse(coldseal(...words, join(dir, "placed/coldseal/audit"), "--json").stdout) as object;
    expect(json).toMatchObject({
      ok: true,
      indication: { main: "TOTAL-PASSED" },
      place: { number: 3, linked: { from: 3, to: 4 }, last: 4 },
      chain: { ok: true, whole: false, indication: { main: "INDETERMINATE" }, gaps: [{ from: 1, to: 2 }] },
    });
    const missing = coldseal(...words, join(dir, "placed/coldseal/audit"));
    expect([missing.status, missing.stderr]).toEqual([1, ""]);
    expect(missing.stdout).toMatch(
      /^VALID: 1 seal, all 1 document.*; THE CHAIN BESIDE IT IS NOT WHOLE: 2 numbers are missing\n/,
    );
    expect(missing.text).toContain("numbers 1 to 2 were not presented");
    const forked = coldseal(...words, join(dir, "fork"));
    expect(forked.status).toBe(4);
    expect(forked.text).toContain("the chain beside it does not hold: CHAIN");
  });

  it("T1: links are not followed", () => {
    const stick = lay("links", auditOf(bundles.slice(0, 2)));
    symlinkSync(join(dir, "whole/coldseal/audit/3"), join(stick, "coldseal/audit/3"));
    symlinkSync(join(dir, "whole"), join(stick, "more"));
    const json = JSON.parse(coldseal("--chain", stick, "--json").stdout) as object;
    expect(json).toMatchObject({ manifests: 2, last: 2 });
  });

  it("USAGE: nothing to verify, a folder of bundles without --chain, and what does not go with a chain", () => {
    expect(coldseal()).toMatchObject({ status: 2 });
    const folder = coldseal(join(dir, "whole"));
    expect(folder).toMatchObject({ status: 2, stdout: "" });
    expect(folder.stderr).toContain("coldseal verify --chain FOLDER");
    expect(folder.stderr).toContain("4 below it");
    expect(coldseal("--chain", join(dir, "whole"), "--documents", dir)).toMatchObject({ status: 2 });
    expect(coldseal("--chain", join(dir, "root.der"))).toMatchObject({ status: 2 });
    const [seal = ""] = [...third.files.keys()].filter((path) => path.endsWith(".p7s"));
    const [document = ""] = third.documents.keys();
    expect(coldseal(join(dir, "third", seal), join(dir, "documents", document), "--chain", dir)).toMatchObject({
      status: 2,
    });
  });
});

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RehearsedBox, rehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { type Box, startBox } from "../../demo/launcher.ts";
import { unlockByShares } from "../../demo/people.ts";
import { type Ran, runCommand } from "../../demo/run-command.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";

let dir: string;
let made: RehearsedBox;
let box: Box;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "coldseal-rehearsed-"));
  made = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256" }, () => undefined);
  box = await startBox(dir);
}, 120_000);

afterAll(async () => {
  await box?.stop();
  await rm(dir, { recursive: true, force: true });
});

const ceremony = (
  args: readonly string[],
  answer: (printed: string) => string | undefined = () => undefined,
): Promise<Ran> =>
  runCommand("ceremony/main.ts", ["--as", made.paths.operators[0]?.operatorJson ?? "", ...args], { answer });
const shareOf = (id: string) => made.shares.get(id) ?? "";
const passphrases = (printed: string) => {
  const holder = /passphrase of share \d+ of \d+, ([a-z0-9-]+)'s: $/.exec(printed)?.[1];
  return holder === undefined ? undefined : made.cast.secret(holder, "passphrase");
};

describe("a box that came to be by ceremonies", () => {
  it("SHARES: no file below it holds its PIN; it opens by shares alone", async () => {
    const short = await ceremony(["unlock", "--share", shareOf("op1")], passphrases);
    expect([short.status, short.stderr]).toEqual([1, expect.stringContaining("SHARE-SHORT")]);
    const twice = await ceremony(["unlock", "--share", shareOf("op1"), shareOf("op1")], passphrases);
    expect([twice.status, twice.stderr]).toEqual([1, expect.stringContaining("SHARE-TWICE")]);
    const wrong = await ceremony(["unlock", "--share", shareOf("op1"), shareOf("op2")], (printed) =>
      printed.includes("op2's: ") ? "not it" : passphrases(printed),
    );
    expect(wrong.stderr).toContain("PASSPHRASE-WRONG: that is not the passphrase of share 2 of 3, op2's");
    expect((await unlockByShares(made, ["op3", "op2"])).stdout).toContain("Unlocked.");
    expect((await ceremony(["lock"])).status).toBe(0);
    expect((await unlockByShares(made, ["op1", "op3"])).stdout).toContain("Unlocked.");
  });

  it("SHARE-CHANGED: a changed share is named before anything is tried with it", async () => {
    const path = join(dir, "changed.share");
    writeFileSync(path, readFileSync(shareOf("op1"), "utf8").replace('"index":1', '"index":3'));
    const changed = await ceremony(["share-check", path], passphrases);
    expect([changed.status, changed.stderr]).toEqual([1, expect.stringContaining("SHARE-CHANGED: the share of op1")]);
    const proven = await ceremony(["--json", "share-check", shareOf("op1"), shareOf("op2")], passphrases);
    expect(JSON.parse(proven.stdout)).toMatchObject({
      proven: [
        { holder: "op1", index: 1 },
        { holder: "op2", index: 2 },
      ],
    });
  });

  it("TRANSCRIPT: both sittings are signed by people and audit key; OpenSSL verifies them under the root, ours too", async () => {
    const oids = ownOids(documentationArc);
    const [first, second] = await Promise.all(
      made.ceremonies.map(async ({ transcript }) => verifyTranscript(nodeHost, oids, readFileSync(transcript))),
    );
    for (const one of [first, second]) expect([...(one?.signers ?? [])].sort()).toEqual(["audit", "op1", "op2", "op3"]);
    expect(second?.transcript.previous).toBe(first?.digest);
    for (const { transcript } of made.ceremonies) {
      const words = [
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-purpose",
        "any",
        "-CAfile",
        made.paths.pki.root,
      ];
      execFileSync("openssl", [...words, "-no-CApath", "-no-CAstore", "-in", transcript, "-out", "/dev/null"], {
        stdio: "ignore",
      });
      const shown = await ceremony(["record", transcript]);
      expect([shown.status, shown.stdout]).toEqual([0, expect.stringContaining("FINAL DIGEST")]);
    }
  });
});

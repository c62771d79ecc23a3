import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sharePath } from "../../ceremony/procedures/shares-of.ts";
import { withNewToken } from "../../ceremony/rehearse/cast.ts";
import { writePolicyFile } from "../../ceremony/rehearse/policy-file.ts";
import { rehearse } from "../../ceremony/rehearse/rehearse.ts";
import { type RehearsedBox, rehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { resplitArchive, writeResplitFile } from "../../ceremony/rehearse/resplit-file.ts";
import { type Box, startBox } from "../../demo/launcher.ts";
import { unlockByShares } from "../../demo/people.ts";
import { type Ran, runCommand } from "../../demo/run-command.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";

const silent = { say: () => undefined };

let dir: string;
let made: RehearsedBox;
/** with the tokens of the day */
let cast: RehearsedBox["cast"];
let box: Box;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "coldseal-rehearsed-"));
  made = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256" }, silent);
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

  it("T17: a policy change replaces a token; the signer takes it and journals the ceremony", async () => {
    const folder = join(dir, "op3-new");
    await mkdir(folder);
    cast = await withNewToken(made.cast, made.root, "op3", folder);
    const file = await writePolicyFile(dir, cast, made.wanted);
    const locked = await ceremony(["lock"]);
    expect(locked.status).toBe(0);
    await expect(rehearse(file, cast, silent)).rejects.toMatchObject({ code: "LOCKED" });
    await unlockByShares(made, ["op1", "op2"]);
    const held = await rehearse(file, cast, silent);
    const oids = ownOids(documentationArc);
    const { transcript, signers } = await verifyTranscript(nodeHost, oids, readFileSync(held.transcript));
    expect([...signers].sort()).toEqual(["audit", "op1", "op2", "op3"]);
    expect(transcript.entries.map(({ kind }) => kind)).toEqual([
      "opened",
      "failed",
      "resumed",
      "done",
      "done",
      "done",
      "done",
      "completed",
    ]);
    const signed = transcript.entries.find(({ step, kind }) => step === "policy" && kind === "done");
    expect(signed?.facts.changes).toMatch(
      /^token of Officer 3 .*: certificate of CN=.*, SHA-256 [0-9a-f]{64} becomes certificate of CN=.*, SHA-256 [0-9a-f]{64}$/,
    );
    const status = await ceremony(["--json", "status"]);
    expect(status.stdout).toContain(signed?.facts.digest);
    const rows = await ceremony(["journal", "--limit", "500"]);
    expect(rows.stdout).toContain(held.digest.slice(0, 16));
  });

  it("SHARES: split anew for those who stay, the new shares open it, and retired ones open nothing", async () => {
    const file = await writeResplitFile(dir, cast, made.wanted, made.shares, ["op1", "op2"]);
    const fresh = ["op1", "op2"].map((id) => sharePath(made.wanted.stick, resplitArchive, "unlock", id));
    const held = await rehearse(file, cast, silent);
    const { transcript } = await verifyTranscript(nodeHost, ownOids(documentationArc), readFileSync(held.transcript));
    expect(transcript.outcome).toBe("completed");
    expect((await ceremony(["lock"])).status).toBe(0);
    const retired = await ceremony(["unlock", "--share", shareOf("op1"), shareOf("op3")], passphrases);
    expect([retired.status, retired.stderr]).toEqual([
      1,
      expect.stringContaining("SHARE-FOREIGN: share 1 of 3, op1's"),
    ]);
    expect((await ceremony(["unlock", "--share", ...fresh], passphrases)).stdout).toContain("Unlocked.");
    expect(readdirSync(join(made.paths.box.state)).filter((name) => name.startsWith("wrapped"))).toEqual([
      "wrapped-unlock.json",
    ]);
  });
});

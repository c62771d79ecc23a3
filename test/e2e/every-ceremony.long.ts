import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ceremonyNames } from "../../ceremony/procedures/registry.ts";
import { acts } from "../../ceremony/rehearse/every-ceremony.ts";
import type { Rehearsed } from "../../ceremony/rehearse/rehearse.ts";
import { rehearseAll } from "../../ceremony/rehearse/rehearse-all.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { readSignedClosing } from "../../manifests/records/closing.ts";
import { walkPolicyChain } from "../../manifests/records/policy-chain.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";

const oids = ownOids(documentationArc);
let dir: string;
let done: readonly Rehearsed[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "coldseal-every-"));
  done = await rehearseAll(dir, undefined, { say: () => undefined });
}, 1_200_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const factsOf = async (ceremony: string, step: string) => {
  const held = done.findLast((one) => one.ceremony === ceremony);
  const { transcript } = await verifyTranscript(nodeHost, oids, readFileSync(held?.transcript ?? ""));
  return transcript.entries.findLast((one) => one.step === step && one.kind === "done")?.facts ?? {};
};

describe("every ceremony of a box's life, rehearsed", () => {
  it("TRANSCRIPT: each that there is was held, and left script, record and transcript", async () => {
    expect([...new Set(done.map(({ ceremony }) => ceremony))].sort()).toEqual([...ceremonyNames].sort());
    expect(acts.flatMap(({ names }) => names).length).toBeLessThanOrEqual(done.length - 2);
    for (const { archive, ceremony } of done) {
      const name = `${archive}-${ceremony}`;
      const files = [".script.pdf", ".script.txt", ".record.pdf", ".record.txt", ".p7m"].map((end) => name + end);
      expect(files.filter((file) => !existsSync(join(dir, file)))).toEqual([]);
    }
  });

  it("CUSTODY: the custody sheet names who looked on at each hand-over, by the transcript", () => {
    const name = join(dir, "test-box-custody-000002.sheet");
    expect(existsSync(`${name}.pdf`)).toBe(true);
    const text = readFileSync(`${name}.txt`, "utf8");
    expect(text).toContain("*** REHEARSAL by made-up people: nothing of it counts ***");
    expect(text.match(/^ {2}witness {5}.* \(wim\), by transcript/gm)).toHaveLength(2);
  });

  it("TRANSCRIPT: signed by all with tokens and by the audit key, chained one to the next; OpenSSL verifies them too", async () => {
    let previous: string | null = null;
    for (const { transcript: path } of done) {
      const { transcript, signers, digest } = await verifyTranscript(nodeHost, oids, readFileSync(path));
      expect([transcript.archive, transcript.outcome, transcript.previous]).toEqual([
        transcript.archive,
        "completed",
        previous,
      ]);
      expect([...signers].sort()).toEqual(["audit", "op1", "op2", "op3", "rec1", "rec2"]);
      const ca = ["-CAfile", join(dir, "pki/ca.crt"), "-no-CApath", "-no-CAstore", "-purpose", "any"];
      execFileSync("openssl", ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", path, ...ca], {
        stdio: ["ignore", "ignore", "ignore"],
      });
      previous = digest;
    }
  });

  it("KEY-STATE: the key that was destroyed is gone by the token's own word, and the statement says so", async () => {
    expect(await factsOf("destroy-key", "destroy")).toMatchObject({
      "objects destroyed": "2",
      "objects found afterwards": "0",
    });
    expect(await factsOf("destroy-key", "statement")).toMatchObject({ "objects found on the token": "0" });
  });

  it("POLICY-SIGNERS: after break glass the policies say that recovery holders signed one in the quorum's place", async () => {
    const names = readdirSync(join(dir, "box/policies")).sort();
    const { recovered } = await walkPolicyChain(
      nodeHost,
      names.map((name) => readFileSync(join(dir, "box/policies", name))),
      undefined,
    );
    expect(recovered).toEqual([Number((await factsOf("break-glass", "policy")).number)]);
  });

  it("CLOSED: the opening says what the record holds since the close", async () => {
    expect(Object.keys(await factsOf("open", "statement"))).toContain("journal rows between close and opening");
    expect(await factsOf("open", "bags")).toEqual({ "bag of the HSM": "B-0001", "bag of the shares": "B-0001" });
  });

  it("CHAIN: with HSM, disk and box lost the third token goes on, by a record of what is unexplained", async () => {
    const survey = await factsOf("recover", "survey");
    expect(survey).toMatchObject({ "next manifest": "101", "token's head": "none: it never held this box's" });
    expect(survey.token).toContain("token=third-test-box");
    expect(survey.unexplained).toContain("manifests 1 to 100");
    expect(await factsOf("recover", "start")).toMatchObject({ manifests: "0" });
    const { token } = await factsOf("open", "second-token");
    expect(token).toContain("token=second-test-box");
  });

  it("HSM-GONE: after the loss the second token seals, with shares of its own", async () => {
    const { "audit key in force": audit = "", "sealing key in force": sealing = "" } = await factsOf("loss", "unlock");
    expect(audit).toContain("token=second-test-box");
    expect(sealing).toContain("token=second-test-box");
  });

  it("EMERGENCY: declared under a text of the policy, ended, and closed by a record that the audit key signed", async () => {
    const { digest, seals, written = "" } = await factsOf("end-emergency", "closing");
    const p7m = readFileSync(join(dir, "stick/coldseal/closings", written));
    const { closing, content } = await readSignedClosing(nodeHost, oids, p7m);
    expect([hex(sha256(content)), `${closing.seals}`]).toEqual([digest, seals]);
    expect(closing).toMatchObject({ cause: "provider", manifests: [], text: { language: "en" } });
    expect((await factsOf("declare-emergency", "text"))["text, SHA-256"]).toBe(closing.text.digest);
    expect((await factsOf("declare-emergency", "order")).digest).toBe(closing.declared.order);
  });
});

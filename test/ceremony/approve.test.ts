import { describe, expect, it } from "vitest";
import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { approve } from "../../ceremony/approve.ts";
import { dissent } from "../../ceremony/dissent.ts";
import type { Daemon } from "../../ceremony/ports.ts";
import { show } from "../../ceremony/show.ts";
import { groupsAsked } from "../../ceremony/slip-groups.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { verifyAllSigners } from "../../manifests/records/authorization.ts";
import { challengeBytes } from "../../manifests/records/decision.ts";
import { Refusal } from "../../manifests/refusal.ts";
import {
  codeOf,
  fakeDaemon,
  fakeSitting,
  fakeToken,
  fromNow,
  type Lies,
  operators,
  request,
  rightAnswers,
  rightPin,
  signingKey,
  stranger,
  wordsOf,
} from "./software-box.ts";

const op2 = operators[1] ?? stranger;
const oids = ownOids(documentationArc);
const batch = "2026-11-23-contracts";

async function sittingOf(lies: Lies = {}, but?: (question: string) => string | undefined, key: typeof stranger = op2) {
  const { daemon: client, ...daemon } = await fakeDaemon(lies);
  const token = fakeToken(key, "op2");
  return { daemon, token, ...fakeSitting("op2", client, token, rightAnswers(daemon.content, but)) };
}

describe("approving", () => {
  it("QUORUM: an approval is a signature of the operator over exactly the challenge", async () => {
    const { sitting, daemon, text } = await sittingOf();
    await approve(sitting, [batch], { watch: false });
    expect(daemon.sent.map((one) => one.method)).toEqual(["approve"]);
    const data = readSignedData(daemon.sent[0]?.body ?? new Uint8Array());
    expect(data.content).toEqual(challengeBytes(daemon.challenge));
    expect(data.eContentType).toBe(oids.authorization);
    const [signer] = await verifyAllSigners(nodeHost, data, 3072);
    expect(signer?.certificate.der).toEqual(op2.certificate);
    expect(text()).toContain("Approved: 1 of 2.");
    expect(sitting.consequence).toContain("signed and taken");
  });

  it("UX3: it asks for two groups of the slip, an exact Yes and then the PIN, and says of whom", async () => {
    const { sitting, asked, daemon, text } = await sittingOf();
    await approve(sitting, [batch], { watch: false });
    const [a, b] = groupsAsked(daemon.challenge.nonce, op2.certificate);
    expect(asked).toEqual([
      `Type group ${a} of the slip (two words): `,
      `Type group ${b} of the slip (two words): `,
      "Type Yes to approve as op2 with token op2 (serial 6f2c), anything else to stop: ",
      "Type the PIN of op2's token op2 (serial 6f2c): ",
    ]);
    for (const group of [a, b]) expect(text()).toContain(`${String(group).padStart(4)}  ______ ______`);
  });

  it("SLIP-WORDS: without the slip there is no approval, after three tries", async () => {
    const { sitting, daemon, asked } = await sittingOf({}, (question) =>
      question.includes("group") ? "adrift adrift" : undefined,
    );
    expect(await codeOf(approve(sitting, [batch], { watch: false }))).toBe("SLIP-WORDS");
    expect(asked).toHaveLength(3);
    expect(daemon.sent).toEqual([]);
    expect(sitting.consequence).toContain("nothing was signed");
  });

  it.each(["yes", "YES", "y", "", " Yes", "Yes "])("STOPPED: %j is not Yes", async (answer) => {
    const { sitting, daemon, token } = await sittingOf({}, (question) =>
      question.includes("Type Yes") ? answer : undefined,
    );
    expect(await codeOf(approve(sitting, [batch], { watch: false }))).toBe("STOPPED");
    expect(daemon.sent).toEqual([]);
    expect(token.logins).toBe(0);
  });

  it("UX3: one PIN a sitting, one confirmation a batch", async () => {
    const { sitting, asked, token, daemon } = await sittingOf();
    await approve(sitting, [batch, batch], { watch: false });
    expect(token.logins).toBe(1);
    expect(asked.filter((question) => question.includes("PIN"))).toHaveLength(1);
    expect(asked.filter((question) => question.includes("Type Yes"))).toHaveLength(2);
    expect(daemon.sent).toHaveLength(2);
  });

  it("PIN-WRONG: a wrong PIN is asked for again, three times at most", async () => {
    let tries = 0;
    const once = await sittingOf({}, (question) => (question.includes("PIN") && tries++ === 0 ? "0000" : undefined));
    await approve(once.sitting, [batch], { watch: false });
    expect(once.token.logins).toBe(2);
    const never = await sittingOf({}, (question) => (question.includes("PIN") ? "0000" : undefined));
    expect(await codeOf(approve(never.sitting, [batch], { watch: false }))).toBe("PIN-WRONG");
    expect(never.token.logins).toBe(3);
    expect(never.daemon.sent).toEqual([]);
    expect(never.text()).not.toContain(rightPin);
  });

  it("UX1: without names it goes through all that wait for this person", async () => {
    const waiting = await sittingOf();
    await approve(waiting.sitting, [], { watch: false });
    expect(waiting.daemon.sent).toHaveLength(1);
    const done = await sittingOf({ approvals: [{ person: "op2", signed: fromNow(-300) }] });
    await approve(done.sitting, [], { watch: false });
    expect(done.daemon.sent).toEqual([]);
    expect(done.text()).toContain("No batch waits for your approval.");
  });
});

describe("a daemon that lies gets no approval", () => {
  it.each<[string, string, Lies]>([
    ["SAME-BYTES", "T18: shows another request than the challenge is about", { request: request("harmless") }],
    ["CHALLENGE-MATCH", "T16: another count", { challenge: { count: 4 } }],
    ["CHALLENGE-MATCH", "T16: another size", { challenge: { bytes: 5 } }],
    ["CHALLENGE-MATCH", "T16: another mode", { challenge: { mode: "offline" } }],
    ["CHALLENGE-MATCH", "T16: another appliance", { challenge: { appliance: "other-box" } }],
    ["POLICY-DIGEST", "T17: another policy", { challenge: { policyDigest: "00".repeat(32) } }],
    ["CHALLENGE-EXPIRED", "T16: an old challenge", { challenge: { expires: fromNow(-60) } }],
    ["PATH-USAGE", "T11: a request that no submitter signed", { signedBy: signingKey(stranger) }],
  ])("%s: %s", async (code, _, lies) => {
    const { sitting, daemon, asked } = await sittingOf(lies);
    expect(await codeOf(approve(sitting, [batch], { watch: false }))).toBe(code);
    expect(daemon.sent).toEqual([]);
    expect(asked).toEqual([]);
  });

  it("PERSON-UNKNOWN: T32: a certificate that the policy does not name is told before anything is asked", async () => {
    const { sitting, asked } = await sittingOf({}, undefined, stranger);
    expect(await codeOf(approve(sitting, [batch], { watch: false }))).toBe("PERSON-UNKNOWN");
    expect(asked).toEqual([]);
  });

  it("BATCH-STATE: an own approval is not given twice", async () => {
    const { sitting } = await sittingOf({ approvals: [{ person: "op2", signed: fromNow(-300) }] });
    expect(await codeOf(approve(sitting, [batch], { watch: false }))).toBe("BATCH-STATE");
  });
});

describe("rejecting, withdrawing, aborting", () => {
  it.each([
    ["rejection", "reject"],
    ["abort", "abort"],
  ] as const)("QUORUM: a signed %s carries the challenge and the reason", async (type, method) => {
    const { sitting, daemon, asked } = await sittingOf();
    await dissent(sitting, type, batch, "the list is wrong");
    expect(daemon.sent.map((one) => one.method)).toEqual([method]);
    const data = readSignedData(daemon.sent[0]?.body ?? new Uint8Array());
    expect(data.eContentType).toBe(oids[type]);
    const { reason, ...rest } = JSON.parse(fromUtf8(data.content ?? new Uint8Array()));
    expect(reason).toBe("the list is wrong");
    expect({ ...rest, type: "authorization" }).toEqual(daemon.challenge);
    expect(asked).toHaveLength(2);
  });

  it("BATCH-STATE: only an approval that was given can be withdrawn", async () => {
    const { sitting, daemon } = await sittingOf();
    expect(await codeOf(dissent(sitting, "withdrawal", batch, "r"))).toBe("BATCH-STATE");
    expect(daemon.sent).toEqual([]);
    const own = await sittingOf({ approvals: [{ person: "op2", signed: fromNow(-300) }] });
    await dissent(own.sitting, "withdrawal", batch, "r");
    expect(own.daemon.sent.map((one) => one.method)).toEqual(["withdraw"]);
  });

  it("STOPPED: anything but Yes stops", async () => {
    const { sitting, daemon } = await sittingOf({}, (question) => (question.includes("Yes") ? "no" : undefined));
    expect(await codeOf(dissent(sitting, "rejection", batch, "r"))).toBe("STOPPED");
    expect(daemon.sent).toEqual([]);
  });
});

describe("showing", () => {
  it("UX5: a folder that waits for documents is shown, though the daemon knows no batch of it yet", async () => {
    const { daemon } = await fakeDaemon();
    const [row] = await daemon.list(true);
    const waiting = { ...row, state: "waiting-for-documents", batchDigest: null, waiting: "no READY" } as BatchRow;
    const inbox = {
      ...daemon,
      list: async () => [waiting],
      open: () => Promise.reject(new Refusal("BATCH-UNKNOWN", "no batch")),
    } as unknown as Daemon;
    const { sitting, text } = fakeSitting("op1", inbox, fakeToken(op2, "op2"), () => "");
    await show(sitting, waiting.folder, false);
    expect(text()).toContain("Now: no READY");
    expect(await codeOf(show(sitting, "another", false))).toBe("BATCH-UNKNOWN");
  });

  it("UX3: the groups asked for stay blank in show until this person approved", async () => {
    const before = await sittingOf();
    await show(before.sitting, batch, false);
    const [a] = groupsAsked(before.daemon.challenge.nonce, op2.certificate);
    expect(before.text()).toContain(`${String(a).padStart(4)}  ______ ______`);
    const after = await sittingOf({ approvals: [{ person: "op2", signed: fromNow(-300) }] });
    await show(after.sitting, batch, false);
    expect(after.text()).toContain(wordsOf(after.daemon.content)[a - 1]);
  });

  it("UX7: --json has the digest as recomputed and every document", async () => {
    const { sitting, documents, daemon } = await sittingOf();
    await show(sitting, batch, true);
    const [shown] = documents as [{ batchDigest: string; documents: unknown[] }];
    expect(shown.batchDigest).toBe(sha256(daemon.content).toHex());
    expect(shown.documents).toHaveLength(3);
  });
});

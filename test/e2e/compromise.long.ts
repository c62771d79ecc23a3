/** A sealing key was in other hands: what it sealed falls, is listed, and is sealed once more by the key that took its place. */

import { cpSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyJournal } from "../../appliance/client/unlock-client.ts";
import type { Rehearsal } from "../../ceremony/rehearse/rehearsal.ts";
import type { RehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import type { Box } from "../../demo/launcher.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { difference, filesBelow } from "../promises/check-media.ts";
import { beginDay, type RehearsedDay } from "./rehearsed-day.ts";

let dir: string;
let made: RehearsedBox;
let rehearsal: Rehearsal;
let box: Box;
let day: RehearsedDay;

beforeAll(async () => {
  ({ box, day, dir, made, rehearsal } = await beginDay("compromise"));
}, 600_000);

afterAll(async () => {
  await box?.stop();
  endTokenProcesses();
  await rm(dir, { recursive: true, force: true });
});

const again = (from: string, to: string) =>
  cpSync(join(made.paths.stick, "coldseal/inbox", from), join(made.paths.stick, "coldseal/inbox", to), {
    recursive: true,
  });

describe("a compromised sealing key", () => {
  it("SEAL-ONCE: report, re-sealing list and notice; the batch is sealed once more, then its new receipt comes again", async () => {
    const slip = await day.sealed("first", { "a.txt": "one", "b.txt": "two" });
    const old = await rehearsal.keyInForce("sealing");

    const { archive } = rehearsal;
    const organization = "Coldseal TEST";
    await rehearsal.hold("stage-key", "The next key", {
      ...rehearsal.common,
      kind: "p256",
      organization,
      purpose: "sealing",
    });
    const certified = await rehearsal.certified(`${archive}-sealing.csr`, "sealing");
    await rehearsal.hold("certify-key", "Its certificate", { ...rehearsal.common, ...certified });
    const activate = { sealing: await rehearsal.stagedKey("sealing") };
    await rehearsal.hold("activate", "It comes into force", { ...rehearsal.common, activate });

    again("first", "before-the-list");
    await day.until("before-the-list", "released");
    expect(difference(filesBelow(day.outbox("before-the-list")), filesBelow(day.outbox("first")))).toBeUndefined();

    const about = { key: old, reason: "a copy of the token was found", since: null };
    const held = await rehearsal.hold("compromise", "The key before", { ...rehearsal.common, ...about });
    const { transcript } = await verifyTranscript(nodeHost, ownOids(documentationArc), readFileSync(held.transcript));
    const facts = (step: string) => transcript.entries.find((one) => one.step === step && one.kind === "done")?.facts;
    expect(facts("report")).toMatchObject({ fall: "1", "seals that fall": "2", stand: "none" });
    expect(facts("resealed")).toMatchObject({ manifests: "1" });
    const notices = join(made.paths.stick, "coldseal/notices");
    const notice = readFileSync(join(notices, `${held.archive}-notice.json`));
    expect(hex(sha256(notice))).toBe(facts("notice")?.["notice, SHA-256"]);
    expect(JSON.parse(notice.toString("utf8"))).toMatchObject({
      fall: [1],
      key: { digest: old, purpose: "sealing" },
      resealed: [1],
      stand: [],
      type: "compromise-notice",
    });
    expect(readFileSync(join(notices, `${held.archive}-notice.txt`), "utf8")).toContain("Do not rely on a seal");

    // The same batch under another name: it waits for approval, and is sealed by the other key.
    again("first", "second");
    await day.approved({ ...slip, folder: "second" });
    const verdict = JSON.parse((await day.verify("second")).stdout) as { ok: boolean; number: number };
    expect(verdict).toMatchObject({ number: 2, ok: true });
    again("first", "third");
    await day.until("third", "released");
    expect(difference(filesBelow(day.outbox("third")), filesBelow(day.outbox("second")))).toBeUndefined();
    expect(await verifyJournal(rehearsal.socket)).toMatchObject({ manifests: 2 });
  }, 600_000);
});

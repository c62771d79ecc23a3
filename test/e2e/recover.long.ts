/** A disk is lost under a box that has sealed: it is made anew by the ceremony, goes on, and knows what it sealed. */

import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyJournal } from "../../appliance/client/unlock-client.ts";
import { readCeremonyFile } from "../../ceremony/engine/ceremony-file.ts";
import { boxLayout } from "../../ceremony/procedures/layout.ts";
import { policyInForce } from "../../ceremony/procedures/policies-at-hand.ts";
import { readiness } from "../../ceremony/ready/ready.ts";
import type { Rehearsal } from "../../ceremony/rehearse/rehearsal.ts";
import { rehearse } from "../../ceremony/rehearse/rehearse.ts";
import type { RehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { writeRehearsedFile } from "../../ceremony/rehearse/rehearsed-file.ts";
import { startSigner } from "../../ceremony/rehearse/running-signer.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import { type Box, startBox } from "../../demo/launcher.ts";
import { succeeded, unlockByShares } from "../../demo/people.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { orderBytes } from "../../manifests/records/order.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { issue, makeRoot as makeAuthority } from "../pki/authority.ts";
import { difference, filesBelow } from "../promises/check-media.ts";
import { beginDay, type RehearsedDay } from "./rehearsed-day.ts";

const silent = { say: () => undefined };
let dir: string;
let made: RehearsedBox;
let rehearsal: Rehearsal;
let box: Box | undefined;
let lost: string;
let day: RehearsedDay;

beforeAll(async () => {
  ({ box, day, dir, made, rehearsal } = await beginDay("recover"));
}, 600_000);

afterAll(async () => {
  await box?.stop();
  await rehearsal?.stop();
  endTokenProcesses();
  rmSync(made?.paths.box.run ?? "", { recursive: true, force: true });
  await rm(dir, { recursive: true, force: true });
});

/** The disk is gone with everything on it; what starts the box's processes is installed again. */
async function loseDisk(): Promise<() => void> {
  const { daemonJson, folder, launcherJson } = made.paths.box;
  const kept = [daemonJson, launcherJson].map((path) => [path, readFileSync(path)] as const);
  await box?.stop();
  box = undefined;
  lost = `${folder}-lost-${rehearsal.archive}`;
  await rehearsal.loseDisk();
  return () => {
    for (const [path, bytes] of kept) writeFileSync(path, bytes, { mode: 0o600 });
    for (const one of ["spool", "log"]) mkdirSync(join(folder, one), { recursive: true, mode: 0o700 });
  };
}

const recovery = async (change: { readonly [name: string]: Json } = {}) => {
  const { root, run } = made.wanted;
  const { unlockSocket: _, ...common } = rehearsal.common;
  const token = await rehearsal.firstToken();
  const said = { arc: documentationArc, hsm: "software-token", isolation: "none", media: "folder" };
  const clock = { errorSeconds: 2, source: "a test" };
  const { genesis } = made.paths;
  const from = [made.paths.stick, made.paths.keeper];
  return {
    ...common,
    ...said,
    beyond: 0,
    clock,
    from,
    genesis,
    reason: "a test",
    roots: [root],
    run,
    token,
    ...change,
  };
};

/** An order in due form, signed by somebody whom no policy knows. */
async function forgedOrder(spki: string): Promise<Uint8Array> {
  const stranger = issue(makeAuthority({ name: "nobody's root" }), {
    name: "stranger",
    eku: [ownOids(documentationArc).operator],
  });
  const { digest } = await policyInForce({ genesis: made.paths.genesis, layout: boxLayout(lost) });
  const now = utcOf(Date.now());
  const token = { environment: {}, module: "/tmp/evil.so", uri: "pkcs11:serial=666" };
  const content = orderBytes({
    appliance: made.wanted.appliance,
    created: now,
    expires: now,
    kind: "stage-key",
    number: 1,
    policyDigest: hex(digest),
    previous: null,
    what: { kind: "p256", purpose: "audit", spki, token, uri: "pkcs11:object=x;id=%01" },
  });
  const eContentType = ownOids(documentationArc).order;
  return signContent(nodeHost, stranger.signingKey, { eContentType, content, signingTime: now });
}

describe("the recovery of a lost disk", () => {
  it("CHAIN: sealed batches, policies and numbers are there again; the first receipt comes again, byte for byte", async () => {
    await day.sealed("first", { "a.txt": "one", "b.txt": "two" });
    const first = join(dir, "first-receipt");
    cpSync(day.outbox("first"), first, { recursive: true });
    const install = await loseDisk();
    const { people } = made.cast;
    const { appliance } = made.wanted;
    const planned = { appliance, archive: "R-900", ceremony: "recover", people, title: "Is all there" };
    const path = await writeRehearsedFile(dir, { ...planned, parameters: await recovery() });
    const { findings } = await readiness(readCeremonyFile(path), utcOf(Date.now()), undefined);
    expect(findings.filter(({ state }) => state !== "well")).toEqual([]);
    expect(findings.map(({ about }) => about)).toEqual(
      expect.arrayContaining(["copy of the lost box", "share of op3"]),
    );
    const held = await rehearsal.hold("recover", "The disk is lost", await recovery());
    await rehearsal.stop();
    install();

    const oids = ownOids(documentationArc);
    const { transcript, signers } = await verifyTranscript(nodeHost, oids, readFileSync(held.transcript));
    expect([...signers].sort()).toEqual(["audit", "op1", "op2", "op3"]);
    const factsOf = (step: string) => transcript.entries.find((one) => one.step === step && one.kind === "done")?.facts;
    expect(factsOf("gather")).toMatchObject({ "manifests at hand": "1", "whole receipts": "1 of 1" });
    expect(factsOf("statement")).toMatchObject({ "last manifest": "1" });

    box = await startBox(dir, { restart: true });
    succeeded(await unlockByShares(made, ["op1", "op3"]), "unlock");
    // The same batch under another name, as from another stick.
    cpSync(join(made.paths.stick, "coldseal/inbox/first"), join(made.paths.stick, "coldseal/inbox/again"), {
      recursive: true,
    });
    await day.until("again", "released");
    expect(difference(filesBelow(day.outbox("again")), filesBelow(first))).toBeUndefined();

    await day.sealed("second", { "a.txt": "one", "c.txt": "three" });
    const second = await day.verify("second");
    expect(second.status, second.stdout).toBe(0);
    const next = Number(/(\d+)/.exec(factsOf("survey")?.["next manifest"] ?? "")?.[1]);
    expect(JSON.parse(second.stdout)).toMatchObject({ number: next, ok: true });
    expect(await verifyJournal(rehearsal.socket)).toMatchObject({ manifests: 2 });
  }, 600_000);

  it("CHAIN: the lost disk, should it come back, is refused by the token", async () => {
    await box?.stop();
    box = undefined;
    const { state } = made.paths.box;
    renameSync(state, `${state}-new`);
    cpSync(join(lost, "signer"), state, { recursive: true });
    const signer = await startSigner(made.paths.box.signerJson, rehearsal.socket, dir);
    try {
      await expect(rehearsal.unlock()).rejects.toMatchObject({ code: "CHAIN" });
    } finally {
      await signer.stop();
      rmSync(state, { recursive: true });
      renameSync(`${state}-new`, state);
    }
  }, 60_000);

  it("CONFIG: media without a copy of the box, and a bundle that was changed, are said before anything is signed", async () => {
    box = await startBox(dir, { restart: true });
    succeeded(await unlockByShares(made, ["op1", "op3"]), "unlock");
    await loseDisk();
    const empty = join(dir, "empty-stick");
    mkdirSync(empty);
    const nothing = await recovery({ from: [empty] });
    await expect(rehearsal.hold("recover", "Nothing is there", nothing)).rejects.toMatchObject({ code: "CONFIG" });

    // An order that no quorum signed, which would have the PIN typed into another module, is refused before any share is asked for.
    const copy = join(made.paths.stick, "coldseal/box", made.wanted.appliance);
    const audit = (JSON.parse(readFileSync(join(copy, "signer.json"), "utf8")) as { keys: { audit: { spki: string } } })
      .keys.audit.spki;
    mkdirSync(join(copy, "orders"), { recursive: true });
    const forged = join(copy, "orders/0001.p7m");
    const kept = existsSync(forged) ? readFileSync(forged) : undefined;
    writeFileSync(forged, await forgedOrder(audit));
    const asked: string[] = [];
    const cast = {
      ...made.cast,
      secret: (person: string, kind: "pin" | "passphrase") => {
        asked.push(kind);
        return made.cast.secret(person, kind);
      },
    };
    const path = await writeRehearsedFile(dir, {
      appliance: made.wanted.appliance,
      archive: "R-901",
      ceremony: "recover",
      parameters: await recovery(),
      people: made.cast.people,
      title: "Forged",
    });
    await expect(rehearse(path, cast, silent)).rejects.toMatchObject({ code: "PERSON-UNKNOWN" });
    expect(asked).not.toContain("passphrase");
    if (kept) writeFileSync(forged, kept);
    else rmSync(forged);
    rmSync(made.paths.box.folder, { recursive: true });
    await expect(
      rehearsal.hold("recover", "Another genesis", await recovery({ genesis: "00".repeat(32) })),
    ).rejects.toMatchObject({ code: "CONFIG" });
    rmSync(made.paths.box.folder, { recursive: true });

    // A bundle with one changed byte is left out; the keeper's copy of its manifest stands in for it.
    const manifest = join(day.outbox("second"), "manifest.p7m");
    const bytes = readFileSync(manifest);
    copyFileSync(manifest, join(dir, "kept.p7m"));
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] as number) ^ 1;
    writeFileSync(manifest, bytes);
    const held = await rehearsal.hold("recover", "The disk is lost again", await recovery());
    const { transcript } = await verifyTranscript(nodeHost, ownOids(documentationArc), readFileSync(held.transcript));
    const facts = transcript.entries.find((one) => one.step === "gather" && one.kind === "done")?.facts;
    expect(facts?.["left out"]).toContain("second");
    expect(facts?.["whole receipts"]).toBe("1 of 2");
  }, 600_000);
});

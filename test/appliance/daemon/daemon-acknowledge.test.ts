import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LedgerRules } from "../../../manifests/records/policy-ledger.ts";
import { TestLedger } from "../../manifests/log/test-ledger.ts";
import { LedgerBox } from "../signer/ledger-box.ts";
import { following, operators, signPolicy } from "../signer/people.ts";
import { DaemonBox } from "./daemon-box.ts";

const { op1, op2 } = operators;
let box: DaemonBox;
let ledger: LedgerBox;
let control: string;

async function setUp(log: TestLedger, change: Partial<LedgerRules> = {}): Promise<void> {
  box = await DaemonBox.make({ policy: { ledger: log.rules(change), version: 2 } });
  ledger = new LedgerBox(box.signer, log);
  await box.signer.unlock();
  control = join(box.settings.media.in, "coldseal/control/in");
  mkdirSync(control, { recursive: true });
  mkdirSync(join(box.folder, "keeper"));
}

beforeEach(async () => setUp(await TestLedger.make()));
afterEach(() => box.remove());

async function released(name: string): Promise<void> {
  await box.bring(name);
  await box.until(name, "waiting-for-approval");
  await box.approve(name, op1, op2);
  await box.until(name, "released");
}

describe("acknowledgements on a stick", () => {
  it("ACKNOWLEDGEMENT: come to the signer once; the keeper's stick gets only what is not acknowledged", async () => {
    await released("one");
    expect((await box.client.exportAudit()).numbers).toEqual([1]);
    await ledger.hold(1);
    writeFileSync(join(control, "ack-000001.p7m"), await ledger.acknowledgement());
    const imported = [{ file: "ack-000001.p7m", kind: "acknowledgement", number: 1 }];
    expect(await box.client.import()).toEqual({ imported, refused: [] });
    expect(await box.client.import()).toEqual({ imported, refused: [] });
    expect(await box.client.exportAudit()).toEqual({ numbers: [], path: "coldseal/audit" });
    await released("two");
    expect((await box.client.exportAudit()).numbers).toEqual([2]);
    const audit = join(box.folder, "keeper/coldseal/audit");
    expect(readdirSync(audit).sort()).toEqual(["1", "2", "certificates", "policy"]);
  });

  it("ACKNOWLEDGEMENT: one that is refused is said with what is needed, and does not stop the others", async () => {
    await released("one");
    await ledger.hold(1);
    const early = await ledger.acknowledgement();
    await ledger.ledger.fill(1);
    writeFileSync(join(control, "ack-1.p7m"), await ledger.acknowledgement());
    writeFileSync(join(control, "ack-2.p7m"), early);
    const { imported, refused } = await box.client.import();
    expect(imported.map(({ file }) => file)).toEqual(["ack-1.p7m"]);
    expect(refused).toMatchObject([
      {
        file: "ack-2.p7m",
        refusal: { code: "ACKNOWLEDGEMENT", expected: `a checkpoint of ${ledger.ledger.size} entries or more` },
      },
    ]);
  });

  it("DER: files that are not of their kind's form are refused with what was expected and what came", async () => {
    writeFileSync(join(control, "ack-1.p7m"), Uint8Array.of(0x30, 0x03, 1, 2, 3));
    writeFileSync(join(control, "ca.crl"), "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n");
    writeFileSync(join(control, "junk.ors"), "junk");
    const { refused } = await box.client.import();
    const told = refused.map(({ file, refusal: { expected, got } }) => [file, expected, got]);
    expect(told).toEqual([
      ["ack-1.p7m", expect.any(String), expect.any(String)],
      ["ca.crl", expect.stringContaining("openssl crl -in ca.crl -outform DER"), "PEM (X509 CRL)"],
      ["junk.ors", "an OCSP response in DER (RFC 6960)", '4 bytes that begin with "junk"'],
    ]);
  });

  it("POLICY-CHAIN: a policy that names a ledger is taken before what that ledger says, whatever they are called", async () => {
    await box.remove();
    const log = await TestLedger.make();
    box = await DaemonBox.make();
    ledger = new LedgerBox(box.signer, log);
    await box.signer.unlock();
    await released("one");
    await ledger.hold(1);
    control = join(box.settings.media.in, "coldseal/control/in");
    mkdirSync(control, { recursive: true });
    const next = following(box.signer.policy, { ledger: log.rules(), version: 2 });
    writeFileSync(join(control, "policy-0002.p7m"), await signPolicy(next, ["op1", "op2"]));
    writeFileSync(join(control, "ack.p7m"), await ledger.acknowledgement());
    expect(await box.client.import()).toEqual({
      imported: [
        { file: "policy-0002.p7m", kind: "policy", number: 2 },
        { file: "ack.p7m", kind: "acknowledgement", number: 1 },
      ],
      refused: [],
    });
  });

  it("UNACKNOWLEDGED: an approved batch waits while too much is outstanding, and is sealed when an acknowledgement came in", async () => {
    await box.remove();
    const log = await TestLedger.make();
    await setUp(log, { outstanding: { hours: 24, manifests: 1 } });
    await released("one");
    await box.bring("two");
    await box.until("two", "waiting-for-approval");
    await box.approve("two", op1, op2);
    await box.eventually("the second to wait", async () => {
      const two = (await box.client.list()).find(({ folder }) => folder === "two");
      return two?.waiting.includes("wait for the ledger's acknowledgement") ? two : undefined;
    });
    await ledger.hold(1);
    writeFileSync(join(control, "ack.p7m"), await ledger.acknowledgement());
    expect((await box.client.import()).refused).toEqual([]);
    await box.until("two", "released");
  });
});

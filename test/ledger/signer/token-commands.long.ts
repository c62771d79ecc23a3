/** The ledger's commands with keys on a token: from a stick to the acknowledgement and the proof that box and desk take; killed while keys are made; another key in place. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateKeys } from "../../../hardware/generate.ts";
import { destroyKeyPair } from "../../../hardware/inventory.ts";
import { readPkcs11Uri } from "../../../hardware/uri.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { acknowledgementName } from "../../../ledger/acknowledge/onto-stick.ts";
import { openLedger } from "../../../ledger/ledger-folder.ts";
import { append } from "../../../ledger/log/append.ts";
import { takeOver } from "../../../ledger/log/tree-head.ts";
import { readKeyRecord } from "../../../ledger/signer/key-record.ts";
import { checkAcknowledgement } from "../../../manifests/log/acknowledgement.ts";
import { emptyRoot } from "../../../manifests/log/tree-proof.ts";
import { verifyCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { oids, root } from "../../bundle/people.ts";
import { atTerminal } from "../../ceremony/terminal.ts";
import { makeSoftToken, type SoftToken, withToken } from "../../hardware/soft-token.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { recordOf } from "../a-ledger.ts";
import { desk, ledgerCommand, Served, startLedger } from "../programs.ts";
import { origin } from "./a-signer.ts";
import { signerIn, thereOn, withoutEd25519 } from "./on-token.ts";

let dir: string;
const softs: SoftToken[] = [];
const at = (...names: readonly string[]) => join(dir, ...names);
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-token-commands-"));
  writeFileSync(at("ca.der"), root.certificate);
});
afterAll(() => {
  for (const soft of softs) soft.remove();
  rmSync(dir, { recursive: true, force: true });
});

async function aToken(label: string): Promise<SoftToken> {
  const soft = await makeSoftToken(label);
  softs.push(soft);
  return soft;
}

const onToken = ({ config, place }: SoftToken) => [
  ...["--module", config.module, "--token", config.uri],
  ...["--environment", `SOFTHSM2_CONF=${place.environment.SOFTHSM2_CONF}`],
];
/** The PIN on descriptor 4, the passphrase on 3. */
const secrets = ["--passphrase-fd", "3", "--pin-fd", "4"];
const make = (soft: SoftToken, folder: string, pin = soft.pin) =>
  ledgerCommand(["keys", folder, "--organization", "Example", "--json", ...onToken(soft), ...secrets], { pin });

describe.each(["both on the token", "one of them in the file"] as const)("a ledger with its keys, %s", (which) => {
  const both = which === "both on the token";
  let soft: SoftToken;
  let folder: string;
  let vkey: string;
  let bundle: Bundle;
  const signing = (...args: readonly string[]) => ledgerCommand([...args, ...secrets], { pin: soft.pin });
  const stick = () => at(which, "stick");

  beforeAll(async () => {
    mkdirSync(at(which));
    folder = at(which, "ledger");
    soft = await aToken(both ? "one" : "two");
    if (!both) withoutEd25519(soft);
    expect(await ledgerCommand(["init", folder, "--origin", origin])).toMatchObject({ status: 0 });
    const made = await make(soft, folder);
    expect(made).toMatchObject({ status: 0 });
    const said = JSON.parse(made.out) as { checkpoint: { vkey: string }; request: string };
    const held = { acknowledgement: { held: "token" }, checkpoint: { held: both ? "token" : "file" } };
    expect(said).toMatchObject(held);
    if (both) expect(made.err).toBe("");
    else expect(made.err).toContain("the token makes no Ed25519 keys");
    vkey = said.checkpoint.vkey;
    const { spki, subject } = await verifyCertificateRequest(nodeHost, readFileSync(said.request));
    const ca = makeRoot({ name: "CA" });
    const { certificate } = issue(ca, { name: "", subject, spki, eku: [oids.acknowledging] });
    writeFileSync(at(which, "ack.der"), certificate);
    const took = await ledgerCommand(["keys", folder, "--certificate", at(which, "ack.der")]);
    expect(took).toMatchObject({ status: 0, out: expect.stringContaining("on a token, pkcs11:") });
    const ledger = { acknowledgement: certificate, checkpointKey: vkey, cosignatures: 0, origin, witnesses: [] };
    const change = { policy: (policy: object) => ({ ...policy, version: 2, ledger }) };
    [bundle] = (await chainOf(1, () => ({ ...change, documents: { "a.pdf": "a" } }) as never)) as [Bundle];
    const laid: Stick = new Map();
    layBundle(laid, "coldseal/outbox/batch-1", bundle);
    for (const [path, bytes] of laid) {
      mkdirSync(dirname(join(stick(), path)), { recursive: true });
      writeFileSync(join(stick(), path), bytes);
    }
    const pinned = ["--ca", at("ca.der"), "--genesis", bundle.genesis];
    expect(await ledgerCommand(["enrol", folder, ...pinned])).toMatchObject({ status: 0 });
  });

  it("ACKNOWLEDGEMENT: publishes and acknowledges what box and desk take, and no secret is in any file", async () => {
    expect(await ledgerCommand(["ingest", folder, stick()])).toMatchObject({ status: 0 });
    expect(await signing("acknowledge", folder, stick())).toMatchObject({ status: 0 });
    const file = join(stick(), "coldseal/control/in", acknowledgementName(bundle.genesis));
    const wanted = { policy: bundle.policy, genesis: bundle.genesis, from: { size: 0, root: emptyRoot } };
    expect((await checkAcknowledgement(nodeHost, readFileSync(file), wanted)).acknowledgement.number).toBe(1);
    expect(await ledgerCommand(["verify", folder, "--log", vkey])).toMatchObject({ status: 0 });
    const outbox = join(stick(), "coldseal/outbox/batch-1");
    expect(await ledgerCommand(["prove", folder, outbox])).toMatchObject({ status: 0 });
    writeFileSync(at(which, "a.pdf"), "a");
    const verify = [desk, "verify", outbox, "--documents", at(which), "--ca", at("ca.der"), "--log", vkey];
    const shown = execFileSync(process.execPath, verify, { encoding: "utf8" });
    expect(shown.replace(/\s+/g, " ")).toContain(`in ${origin}: entry 0 is the manifest`);
    const files = ["keys.json", "token.json"].map((name) => readFileSync(join(signerIn(folder), name), "utf8"));
    expect(files.join()).not.toContain(Buffer.from(soft.pin).toString());
  });

  it("PIN-WRONG, HSM-GONE: what the token refuses is said, and the ledger goes on afterwards", async () => {
    const wrong = startLedger(["signer", folder, ...secrets], { pin: new TextEncoder().encode("00000000") });
    await expect(Served.start(wrong, /signing/)).rejects.toThrow(/PIN-WRONG[\s\S]*tried once/);
    renameSync(soft.tokens, `${soft.tokens}-away`);
    mkdirSync(soft.tokens);
    const gone = startLedger(["signer", folder, ...secrets], { pin: soft.pin });
    await expect(Served.start(gone, /signing/)).rejects.toThrow("HSM-GONE");
    rmSync(soft.tokens, { recursive: true });
    renameSync(`${soft.tokens}-away`, soft.tokens);
    const served = await Served.start(startLedger(["signer", folder, ...secrets], { pin: soft.pin }), /signing/);
    try {
      // What is signed goes through the one that serves: no secret is asked for.
      expect(await ledgerCommand(["publish", folder])).toMatchObject({ status: 0 });
    } finally {
      await served.end();
    }
  });

  it("T23: HSM-KEY: another key under the same name and id is not the one that was pinned", async () => {
    const { acknowledgement } = readKeyRecord(signerIn(folder));
    const { id = new Uint8Array(0), object: label = "" } = readPkcs11Uri(acknowledgement.uri ?? "");
    await withToken(soft, (token) => destroyKeyPair(token, id, label));
    const missing = startLedger(["signer", folder, ...secrets], { pin: soft.pin });
    await expect(Served.start(missing, /signing/)).rejects.toThrow("HSM-KEY");
    await generateKeys(soft.config, soft.pin, [{ id, kind: "p256", label }]);
    const other = startLedger(["signer", folder, ...secrets], { pin: soft.pin });
    await expect(Served.start(other, /signing/)).rejects.toThrow(/HSM-KEY[\s\S]*not the pinned one/);
  });
});

/** Something to publish. */
async function appendOne(folder: string): Promise<void> {
  const ledger = await openLedger(folder);
  try {
    const epoch = await takeOver(ledger.db);
    await ledger.db.writing((sql) => append(sql, epoch, [recordOf(0)]));
  } finally {
    ledger.close();
  }
}

describe("a signer at a terminal", () => {
  it("LOCKED: asks for the PIN once more when the token is back, and shows none", async () => {
    const soft = await aToken("three");
    const folder = at("terminal");
    expect(await ledgerCommand(["init", folder, "--origin", origin])).toMatchObject({ status: 0 });
    expect(await make(soft, folder)).toMatchObject({ status: 0 });
    await appendOne(folder);
    const typist = atTerminal([process.execPath, desk, "ledger", "signer", folder]);
    const pin = Buffer.from(soft.pin).toString();
    try {
      await typist.reads(/The PIN of token three \(serial \w+\), for the keys of\s+ledger\s[^:]*: /);
      typist.types(`${pin}\r`);
      await typist.reads(/signing for/);
      const publish = () => ledgerCommand(["publish", folder]);
      renameSync(soft.tokens, `${soft.tokens}-away`);
      expect(await publish()).toMatchObject({ status: 3, err: expect.stringContaining("HSM-GONE") });
      renameSync(`${soft.tokens}-away`, soft.tokens);
      // SoftHSM's module looks anew at most once a second.
      await expect.poll(async () => (await publish()).err, { timeout: 120_000 }).toContain("LOCKED");
      await typist.reads(/the token is back[\s\S]*The PIN of [^:]*: /);
      typist.types("00000000\r");
      await typist.reads(/still not signing[\s\S]*tried once/);
      expect(await publish()).toMatchObject({ status: 3, err: expect.stringContaining("LOCKED") });
      await typist.reads(/wrong PINs were typed\s+before: /);
      typist.types(`${pin}\r`);
      await typist.reads(/signing again/);
      expect(await publish()).toMatchObject({ status: 0 });
      expect(typist.screen()).not.toContain(pin);
    } finally {
      typist.kill();
      await typist.ended;
    }
  });
});

describe("keys that are being made", () => {
  it("T21: a run that is killed at any moment leaves no signer, and the next one removes what it left on the token", async () => {
    const soft = await aToken("four");
    const folder = at("killed");
    expect(await ledgerCommand(["init", folder, "--origin", origin])).toMatchObject({ status: 0 });
    const begun = `${signerIn(folder)}.new`;
    let left = 0;
    for (const wait of ["making.json", "token.json", "acknowledgement.csr"]) {
      const child = startLedger(["keys", folder, "--organization", "Example", ...onToken(soft), ...secrets], {
        pin: soft.pin,
      });
      const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
      while (!existsSync(join(begun, wait)) && child.exitCode === null)
        await new Promise((soon) => setTimeout(soon, 1));
      child.kill("SIGKILL");
      await gone;
      expect(existsSync(signerIn(folder))).toBe(false);
      left += (await thereOn(soft)).length;
    }
    expect(left).toBeGreaterThan(0);
    expect(await make(soft, folder)).toMatchObject({ status: 0 });
    const halves = ["private", "public"].flatMap((half) => [
      `${half} ${origin} acknowledgements`,
      `${half} ${origin} checkpoints`,
    ]);
    expect((await thereOn(soft)).toSorted()).toEqual(halves);
    // Keys of a ledger that has them in use are nobody's to remove: another folder of the same name gets none.
    const again = at("again");
    expect(await ledgerCommand(["init", again, "--origin", origin])).toMatchObject({ status: 0 });
    const refused = await make(soft, again);
    expect(refused).toMatchObject({ status: 1, out: expect.stringContaining("HSM-KEY") });
    expect(refused.out).toContain("removed by the token's own tools");
    expect((await thereOn(soft)).toSorted()).toEqual(halves);
    const served = await Served.start(startLedger(["signer", folder, ...secrets], { pin: soft.pin }), /signing/);
    await served.end();
  });

  it("BUSY: a run beside one that stands still takes none of its keys, and that one comes to its end", async () => {
    const soft = await aToken("six");
    const folder = at("two");
    expect(await ledgerCommand(["init", folder, "--origin", origin])).toMatchObject({ status: 0 });
    const args = ["keys", folder, "--organization", "Example", ...onToken(soft), ...secrets];
    const first = startLedger(args, { pin: soft.pin });
    const gone = new Promise<number | null>((resolve) => first.once("close", resolve));
    try {
      while (!existsSync(join(`${signerIn(folder)}.new`, "making.json")) && first.exitCode === null)
        await new Promise((soon) => setTimeout(soon, 1));
      first.kill("SIGSTOP");
      const second = await make(soft, folder);
      expect(second).toMatchObject({
        status: 3,
        out: expect.stringContaining("another process makes keys or a ledger there"),
      });
      first.kill("SIGCONT");
      expect(await gone).toBe(0);
      expect(await thereOn(soft)).toHaveLength(4);
    } finally {
      first.kill("SIGKILL");
    }
    const served = await Served.start(startLedger(["signer", folder, ...secrets], { pin: soft.pin }), /signing/);
    await served.end();
  });

  it("PIN-WRONG, USAGE, CONFIG: what cannot be is refused before the token is touched, or by its one try", async () => {
    const soft = await aToken("five");
    const folder = at("refused");
    expect(await ledgerCommand(["init", folder, "--origin", origin])).toMatchObject({ status: 0 });
    const wrong = await make(soft, folder, new TextEncoder().encode("00000000"));
    expect(wrong).toMatchObject({ status: 1, out: expect.stringContaining("PIN-WRONG") });
    const half = ["keys", folder, "--organization", "Example", "--module", soft.config.module];
    expect(await ledgerCommand(half)).toMatchObject({ status: 2, err: expect.stringContaining("USAGE") });
    const bad = await ledgerCommand([...half, "--token", "pkcs11:token=five", ...secrets], { pin: soft.pin });
    expect(bad).toMatchObject({ status: 2, err: expect.stringContaining("no serial") });
    const variable = [...half, "--token", soft.config.uri, "--environment", "SOFTHSM2_CONF", ...secrets];
    expect(await ledgerCommand(variable, { pin: soft.pin })).toMatchObject({ status: 2 });
    expect(existsSync(signerIn(folder))).toBe(false);
    const inFile = ["keys", folder, "--organization", "Example", "--passphrase-fd", "3"];
    expect(await ledgerCommand(inFile)).toMatchObject({ status: 0 });
    const late = await make(soft, folder);
    expect(late).toMatchObject({ status: 2, out: expect.stringContaining("none is moved to a token") });
    expect(await thereOn(soft)).toEqual([]);
  });
});

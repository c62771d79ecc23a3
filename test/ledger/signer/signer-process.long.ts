/** The ledger's signing process, killed around its one write, asked by two at once, opened by others. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callOnce } from "../../../host/wire.ts";
import { keyFile } from "../../../ledger/signer/key-record.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { atTerminal } from "../../ceremony/terminal.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { aLedger, recordOf } from "../a-ledger.ts";
import { desk, ledgerCommand, passphrase, Served, startLedger, startNode } from "../programs.ts";
import { history } from "../trees.ts";
import { keysIn, newFolder, type TestKeys } from "./a-signer.ts";
import { checkNote, sign, tree } from "./signing.ts";

const dying = fileURLToPath(new URL("./dying-signer.ts", import.meta.url));

let keys: TestKeys;
beforeAll(async () => {
  keys = await keysIn(newFolder());
});
afterAll(() => rmSync(keys.folder, { recursive: true, force: true }));

const served = () => Served.start(startLedger(["signer", keys.folder, "--passphrase-fd", "3"]), /signing/);
const signerAt = () => join(keys.folder, "signer");
const socket = () => join(signerAt(), "sign.sock");

describe("a signer that starts", () => {
  it("PIN-WRONG: does not start with another passphrase, or where other public keys stand beside its own", async () => {
    const right = readFileSync(keyFile(signerAt()), "utf8");
    const other = await keysIn(newFolder());
    const theirs = JSON.parse(readFileSync(keyFile(join(other.folder, "signer")), "utf8")) as { checkpoint: Json };
    try {
      const forged = { ...(JSON.parse(right) as { [name: string]: Json }), checkpoint: theirs.checkpoint };
      writeFileSync(keyFile(signerAt()), JSON.stringify(forged));
      const child = startLedger(["signer", keys.folder, "--passphrase-fd", "3"]);
      await expect(Served.start(child, /signing/)).rejects.toThrow("PIN-WRONG");
    } finally {
      writeFileSync(keyFile(signerAt()), right);
      rmSync(other.folder, { recursive: true });
    }
    const child = startLedger(["signer", keys.folder, "--passphrase-fd", "3"], { secret: "another passphrase" });
    await expect(Served.start(child, /signing/)).rejects.toThrow("PIN-WRONG");
  });
});

describe("a signer that a command starts", () => {
  it("PIN-WRONG: the command refuses once, with the exit status of that", async () => {
    const ledger = await aLedger();
    const { folder } = ledger;
    try {
      await ledger.add([recordOf(0)]);
      await keysIn(folder);
      const { err, out, status } = await ledgerCommand(["publish", folder, "--passphrase-fd", "3"], {
        secret: "another passphrase",
      });
      expect([status, `${out}${err}`.match(/^ *[A-Z][A-Z-]+: /gm)]).toEqual([1, ["PIN-WRONG: "]]);
    } finally {
      ledger.end();
    }
  });
});

describe("keys that are made at a terminal", () => {
  it("BUSY: another run makes none meanwhile, nor is it asked anything; SECRET: what is too short, or differs, is asked for again", async () => {
    const ledger = await aLedger();
    const make = ["keys", ledger.folder, "--organization", "Example"];
    const typist = atTerminal([process.execPath, desk, "ledger", ...make]);
    try {
      await typist.reads(/A new passphrase [^:]*: /);
      const second = await ledgerCommand([...make, "--passphrase-fd", "3"]);
      expect(second).toMatchObject({ status: 3, err: expect.stringContaining("BUSY") });
      typist.types("short\r");
      await typist.reads(/too short: [\s\S]*A new passphrase [^:]*: /);
      typist.types(`${passphrase}\r`);
      await typist.reads(/again: /);
      typist.types(`${passphrase}!\r`);
      await typist.reads(/differ: [\s\S]*A new passphrase [^:]*: /);
      expect(readdirSync(ledger.folder).filter((name) => name.startsWith("signer"))).toEqual([]);
      for (const question of [undefined, /again: /]) {
        if (question) await typist.reads(question);
        typist.types(`${passphrase}\r`);
      }
      expect(await typist.ended).toBe(0);
      expect(typist.screen()).not.toContain(passphrase);
      expect(existsSync(keyFile(join(ledger.folder, "signer")))).toBe(true);
    } finally {
      typist.kill();
      ledger.end();
    }
  });
});

describe("a signer that serves", () => {
  it("BUSY: is the only one; FRAME, SHAPE: does nothing but what it is for; two callers at once get one history", async () => {
    const one = await served();
    try {
      await expect(
        Served.start(startLedger(["signer", keys.folder, "--passphrase-fd", "3"]), /signing/),
      ).rejects.toThrow("BUSY");
      const { size } = await keys.signing((signer) => signer.status());
      expect(await codeOf(callOnce(socket(), "sign", { message: "00" }))).toBe("FRAME");
      const good = { from: size, path: [], root: "00".repeat(32), size };
      for (const params of [
        null,
        {},
        { ...good, more: 1 },
        { ...good, size: -1 },
        { ...good, path: Array(65).fill("00".repeat(32)) },
      ]) {
        expect(await codeOf(callOnce(socket(), "checkpoint", params as Json))).toBe("SHAPE");
      }
      const both = await Promise.all(
        [1, 2].map((more) => codeOf(keys.signing((signer) => sign(signer, size, size + more)))),
      );
      expect(both.toSorted()).toEqual(["LOG-HEAD", "none"]);
      expect((await keys.signing((signer) => signer.status())).size).toBeGreaterThan(size);
    } finally {
      await one.end();
    }
  });

  it.each(["before", "after"] as const)(
    "LOG-HEAD: killed %s its write, it never signs another history of that size",
    async (moment) => {
      const { size } = await keys.signing((signer) => signer.status());
      const one = await Served.start(startNode([dying, signerAt(), moment]), /serving/);
      expect(await codeOf(keys.signing((signer) => sign(signer, size, size + 2)))).toBe("UNREACHABLE");
      await one.end();
      const at = moment === "after" ? size + 2 : size;
      await keys.signing(async (signer) => {
        expect(await signer.status()).toMatchObject({ size: at, stopped: null });
        if (moment === "after") expect(await codeOf(sign(signer, size, at, { tree: history(2) }))).toBe("LOG-HEAD");
        await checkNote(keys, await sign(signer, at, size + 2), tree.head(size + 2));
      });
    },
  );
});

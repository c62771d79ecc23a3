import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enrolDevice } from "../../../hardware/tpm/enrol.ts";
import { makeCredential } from "../../../hardware/tpm/make-credential.ts";
import { tpmQuoter } from "../../../hardware/tpm/quoter.ts";
import { askTpm } from "../../../hardware/tpm/tpm-process.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { checkEventLog, checkImaLog, checkQuote } from "../../../manifests/attest/check-quote.ts";
import { deviceRecordBytes, endorserOf, readDeviceRecord } from "../../../manifests/attest/device-record.ts";
import { replayEventLog } from "../../../manifests/attest/event-log.ts";
import { checkAttestationKey, nameOf, readPublicArea } from "../../../manifests/attest/public-area.ts";
import { readQuote } from "../../../manifests/attest/quote.ts";
import { base64, concat, fromBase64, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { bootEvents, bootLog, imaLine } from "../../manifests/attest/paper-tpm.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { type SoftTpm, startSoftTpm, tpmHere } from "./swtpm.ts";

const handle = 0x81010002;
const nonce = sha256(utf8("a manifest"));
const now = "2026-11-01T09:00:00Z";
const lines = [imaLine("boot_aggregate"), imaLine("/usr/bin/node")];
const later = imaLine("/usr/bin/later");

it.skipIf(process.env.CI === undefined)("TPM-GONE: under CI a TPM in software is here", () =>
  expect(tpmHere).toBe(true),
);

describe.skipIf(!tpmHere)(
  "QUOTE-BIND: a real TPM",
  () => {
    let tpm: SoftTpm;
    const asked = (more: object = {}) => ({
      ...{ bank: "sha256", handle, pcrs: [0, 4, 7, 10, 12], place: { socket: tpm.socket }, seconds: 20 },
      logs: { event: join(tpm.folder, "event"), ima: join(tpm.folder, "ima") },
      ...more,
    });
    const quoteNow = (more: object = {}) => tpmQuoter(nodeHost, asked(more) as never)(nonce);

    beforeAll(async () => {
      tpm = await startSoftTpm();
      writeFileSync(join(tpm.folder, "event"), bootLog);
      writeFileSync(join(tpm.folder, "ima"), concat([...lines, later].map(({ line }) => line)));
      for (const { pcr, text } of bootEvents) extendReal(tpm, pcr, sha256(utf8(text)));
      for (const { digest } of lines) extendReal(tpm, 10, digest);
      await enrolDevice({ place: { socket: tpm.socket }, handle, appliance: "box-1", now });
    }, 60_000);
    afterAll(() => tpm.end());

    it("QUOTE-BIND: quotes what its PCRs hold, and tpm2_checkquote agrees", async () => {
      const { attestation, logs } = await quoteNow();
      const quote = await checkQuote(nodeHost, attestation, nonce);
      const device = await enrolDevice({ place: { socket: tpm.socket }, handle, appliance: "box-1", now });
      expect(quote.qualifiedSigner).toBe(device.ak.qualifiedName);
      expect(attestation.ak.name).toBe(device.ak.name);
      expect(await checkEventLog(nodeHost, attestation, logs.get("event") as Uint8Array)).toEqual([0, 4, 7]);
      expect(toolsAccept(tpm, attestation, nonce)).toBe(true);
      expect(toolsAccept(tpm, attestation, sha256(utf8("another")))).toBe(false);
      const wrong = { ...attestation, pcrs: attestation.pcrs.with(0, { digest: "11".repeat(32), index: 0 }) };
      expect(toolsAccept(tpm, wrong, nonce)).toBe(false);
      expect(await codeOf(checkQuote(nodeHost, wrong, nonce))).toBe("QUOTE-BIND");
    });

    it("QUOTE-LOG: the IMA log is kept up to the quote, not further", async () => {
      const { attestation, logs } = await quoteNow();
      const kept = logs.get("ima") as Uint8Array;
      expect(kept).toEqual(concat(lines.map(({ line }) => line)));
      expect(attestation.logs.ima?.digest).toBe(hex(sha256(kept)));
      expect(await checkImaLog(nodeHost, attestation, kept)).toEqual([10]);
    });

    it("QUOTE-LOG: tpm2_eventlog replays the log to the same values", async () => {
      const said = tpm.offline("eventlog", "event");
      for (const [pcr, value] of await replayEventLog(nodeHost, bootLog, "sha256")) {
        expect(said.slice(said.lastIndexOf("sha256:"))).toMatch(new RegExp(`\\b${pcr} *: 0x${hex(value)}`));
      }
    });

    it.each(["ecc:ecdsa", "rsa:rsassa"])("QUOTE-KEY: reads keys and quotes that tpm2-tools make (%s)", async (kind) => {
      const [algorithm = "", scheme = ""] = kind.split(":");
      tpm.tools("createek", "-c", "ek.ctx", "-G", algorithm, "-u", "ek.pub");
      tpm.tools(
        "createak",
        ...[
          "-C",
          "ek.ctx",
          "-c",
          "ak.ctx",
          "-G",
          algorithm,
          "-g",
          "sha256",
          "-s",
          scheme,
          "-u",
          "ak.pub",
          "-n",
          "ak.name",
        ],
      );
      tpm.tools("flushcontext", "-t");
      tpm.tools(
        "quote",
        ...["-c", "ak.ctx", "-l", "sha256:0,4", "-q", hex(nonce), "-m", "quote", "-s", "signature", "-o", "values"],
      );
      tpm.tools("flushcontext", "-t");
      const file = (name: string) => new Uint8Array(readFileSync(join(tpm.folder, name)));
      const publicArea = file("ak.pub").subarray(2);
      expect(await nameOf(nodeHost, publicArea)).toBe(hex(file("ak.name")));
      checkAttestationKey(readPublicArea(publicArea));
      const { attestation: own } = await quoteNow({ pcrs: [0, 4], logs: {} });
      const attestation = {
        ...own,
        ak: { name: hex(file("ak.name")), public: base64(publicArea) },
        quote: base64(file("quote")),
        signature: base64(file("signature")),
      };
      expect(await codeOf(checkQuote(nodeHost, attestation, nonce))).toBe("none");
      expect(readQuote(file("quote")).pcrs).toEqual([0, 4]);
    });

    it("QUOTE-SIGNATURE: by RSAPSS holds with a salt as long as the digest, as this TPM makes it", async () => {
      tpm.tools("createek", "-c", "ek.ctx", "-G", "rsa", "-u", "ek.pub");
      tpm.tools("createak", ...["-C", "ek.ctx", "-c", "ak.ctx", "-G", "rsa", "-g", "sha256", "-s", "rsapss"]);
      tpm.tools("flushcontext", "-t");
      tpm.tools("evictcontrol", "-C", "o", "-c", "ak.ctx", "0x81010004");
      tpm.tools("flushcontext", "-t");
      expect(await codeOf(quoteNow({ handle: 0x81010004, logs: {} }))).toBe("none");
    });

    it("QUOTE-KEY: only the TPM with both keys takes the secret out, and only for this very key", async () => {
      const place = { socket: tpm.socket };
      const { ak, ek } = await enrolDevice({ place, handle, appliance: "box-1", now });
      const { spki } = readPublicArea(fromBase64(ek.public));
      const activate = (name: string) => {
        const { blob, secret } = makeCredential(spki, Uint8Array.fromHex(name), utf8("a secret"));
        return askTpm(
          place,
          { job: "activate", handle, endorsement: "ecc", blob: base64(blob), secret: base64(secret) },
          20,
        );
      };
      expect(await activate(ak.name)).toEqual({ secret: base64(utf8("a secret")) });
      await expect(activate(`000b${"22".repeat(32)}`)).rejects.toMatchObject({ code: "TPM-FAULT" });
      expect(tpm.tools("getcap", "handles-transient") + tpm.tools("getcap", "handles-loaded-session")).toBe("");
    });

    it("QUOTE-KEY: keeps the maker's certificate, and refuses one of another key", async () => {
      const place = { socket: tpm.socket };
      const maker = makeRoot({ name: "TPM maker" });
      const { ek } = await enrolDevice({ place, handle: 0x81010003, appliance: "box-1", now });
      const { spki } = readPublicArea(fromBase64(ek.public));
      const right = issue(maker, { name: "EK", spki }).certificate;
      writeFileSync(join(tpm.folder, "ek.crt"), concat([right, new Uint8Array(40).fill(0xff)]));
      const size = `${right.length + 40}`;
      tpm.tools(
        "nvdefine",
        "0x01c0000a",
        ...["-C", "p", "-s", size, "-a", "ppwrite|ppread|ownerread|authread|no_da|platformcreate"],
      );
      tpm.tools("nvwrite", "0x01c0000a", "-C", "p", "-i", "ek.crt");
      const record = await enrolDevice({ place, handle: 0x81010003, appliance: "box-1", now });
      expect(record.ek.certificate).toBe(base64(right));
      expect(endorserOf(record)).toBe("CN=TPM maker,O=Coldseal test");
      const other = { ...record, ek: { ...record.ek, certificate: base64(issue(maker, { name: "EK" }).certificate) } };
      expect(await codeOf(deviceRecordBytes(nodeHost, other))).toBe("QUOTE-KEY");
      expect(await readDeviceRecord(nodeHost, await deviceRecordBytes(nodeHost, record))).toEqual(record);
      tpm.tools("nvundefine", "0x01c0000a", "-C", "p");
    });

    it("TPM-GONE: a TPM that hangs, is gone or lacks the key is refused in time, and one that comes back quotes again", async () => {
      const refusal = async (more: object) => {
        const begun = Date.now();
        const fault = await quoteNow(more).catch((thrown: unknown) => thrown);
        if (!(fault instanceof Refusal)) throw new Error(`no refusal: ${fault}`);
        return { code: fault.code, seconds: (Date.now() - begun) / 1000 };
      };
      expect((await refusal({ handle: 0x81010009 })).code).toBe("QUOTE-KEY");
      expect((await refusal({ place: { socket: join(tpm.folder, "nothing") } })).code).toBe("TPM-GONE");
      expect((await refusal({ place: { device: join(tpm.folder, "nothing") } })).code).toBe("TPM-GONE");
      expect((await refusal({ logs: { event: join(tpm.folder, "nothing") } })).code).toBe("QUOTE-FORM");
      // The process may open what is named as its device, and that is no TPM.
      expect((await refusal({ place: { device: join(tpm.folder, "event") }, logs: {} })).code).toBe("QUOTE-FORM");
      writeFileSync(join(tpm.folder, "event"), bootLog);
      tpm.pause();
      const hung = await refusal({ seconds: 2 });
      tpm.resume();
      expect(hung.code).toBe("TPM-GONE");
      expect(hung.seconds).toBeLessThan(10);
      await tpm.kill();
      expect((await refusal({})).code).toBe("TPM-GONE");
      await tpm.start();
      // Its PCRs are those of another start now: the log does not give them.
      expect((await refusal({})).code).toBe("QUOTE-LOG");
      expect((await quoteNow({ logs: {} })).attestation.pcrs[1]?.digest).toBe("00".repeat(32));
    });
  },
  60_000,
);

function extendReal(tpm: SoftTpm, pcr: number, digest: Uint8Array): void {
  tpm.tools("pcrextend", `${pcr}:sha256=${hex(digest)}`);
}

/** What tpm2_checkquote says of it: given the public key, the quote, the signature, the values and the nonce. */
function toolsAccept(
  tpm: SoftTpm,
  attestation: Awaited<ReturnType<ReturnType<typeof tpmQuoter>>>["attestation"],
  asked: Uint8Array,
): boolean {
  const write = (name: string, bytes: Uint8Array) => writeFileSync(join(tpm.folder, name), bytes);
  const publicArea = fromBase64(attestation.ak.public);
  write("c.pub", concat([Uint8Array.of(publicArea.length >> 8, publicArea.length), publicArea]));
  write("c.quote", fromBase64(attestation.quote));
  write("c.signature", fromBase64(attestation.signature));
  write("c.values", concat(attestation.pcrs.map(({ digest }) => Uint8Array.fromHex(digest))));
  const selected = `sha256:${attestation.pcrs.map(({ index }) => index).join()}`;
  try {
    const files = ["-u", "c.pub", "-m", "c.quote", "-s", "c.signature", "-f", "c.values"];
    tpm.offline("checkquote", ...files, "-F", "values", "-l", selected, "-q", hex(asked));
    return true;
  } catch {
    return false;
  }
}

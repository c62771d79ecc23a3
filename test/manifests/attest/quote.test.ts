import { describe, expect, it } from "vitest";
import { selection, sized, u16, u32 } from "../../../hardware/tpm/tpm-writer.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readAttestation } from "../../../manifests/attest/attestation.ts";
import { checkEventLog, checkImaLog, checkQuote } from "../../../manifests/attest/check-quote.ts";
import { deviceRecordBytes, readDeviceRecord } from "../../../manifests/attest/device-record.ts";
import { replayEventLog } from "../../../manifests/attest/event-log.ts";
import {
  checkAttestationKey,
  type ObjectAttribute,
  objectAttributes,
  readPublicArea,
} from "../../../manifests/attest/public-area.ts";
import { readQuote, readTpmSignature } from "../../../manifests/attest/quote.ts";
import { base64, concat, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { codeOf as codeOfWork } from "../time/code-of.ts";
import {
  akAttributes,
  akPublic,
  bootEvents,
  bootLog,
  bootPcrs,
  ekPublic,
  eventLog,
  extend,
  forgeAttestation,
  imaLine,
  otherKey,
  paperDevice,
  paperKey,
  quoteBytes,
  tpmSignature,
  valueAfter,
} from "./paper-tpm.ts";

const nonce = sha256(utf8("a manifest"));
const host = nodeHost;
const right = { nonce, pcrs: [0, 7], values: [...bootPcrs.values()].slice(0, 2) };

describe("QUOTE-BIND: a quote", () => {
  it("QUOTE-BIND: holds over these values, with this nonce, by this key", async () => {
    const quote = await checkQuote(host, forgeAttestation(nonce), nonce);
    expect(quote.pcrs).toEqual([0, 4, 7, 12]);
    expect({ ...quote.clock, milliseconds: Number(quote.clock.milliseconds) }).toEqual({
      milliseconds: 54_321,
      resets: 3,
      restarts: 1,
      safe: true,
    });
    expect(quote.firmware).toBe("2019102300163636");
  });

  it.each<[string, () => Parameters<typeof forgeAttestation>[1], string]>([
    ["another nonce", () => ({ nonce: () => sha256(utf8("another")) }), "QUOTE-BIND"],
    ["no nonce", () => ({ nonce: () => new Uint8Array(0) }), "QUOTE-BIND"],
    ["a signature by another key", () => ({ signedBy: otherKey }), "QUOTE-SIGNATURE"],
    ["another attestation than a quote", () => ({ quote: { type: 0x8017 } }), "QUOTE-FORM"],
    ["bytes that no TPM began", () => ({ quote: { magic: 0xff544348 } }), "QUOTE-FORM"],
    ["no PCR", () => ({ quote: { selected: selection("sha256", []) } }), "QUOTE-FORM"],
    ["no selection", () => ({ quote: { selected: u32(0) } }), "QUOTE-FORM"],
    [
      "two selections",
      () => ({ quote: { selected: concat([u32(2), ...twice(selection("sha256", [1]).subarray(4))]) } }),
      "QUOTE-FORM",
    ],
    [
      "PCRs of SHA-1",
      () => ({ quote: { selected: concat([u32(1), u16(4), Uint8Array.of(3, 1, 0, 0)]) } }),
      "QUOTE-FORM",
    ],
    ["another selection", () => ({ quote: { pcrs: [0, 4, 7, 13] } }), "QUOTE-BIND"],
    ["other values", () => ({ quote: { values: [nonce] } }), "QUOTE-BIND"],
    ["a bank that is not the quote's", () => ({ attestation: (one) => ({ ...one, bank: "sha384" }) }), "QUOTE-BIND"],
    [
      "another Name",
      () => ({ attestation: (one) => ({ ...one, ak: { ...one.ak, name: `000b${"11".repeat(32)}` } }) }),
      "QUOTE-BIND",
    ],
  ])("QUOTE-BIND: with %s is refused", async (_, forging, code) => {
    expect(await codeOf(() => checkQuote(host, forgeAttestation(nonce, forging()), nonce))).toBe(code);
  });

  it("QUOTE-BIND: values of other lengths that are together as long are refused", async () => {
    const values = [...bootPcrs.values()].slice(0, 2);
    const all = concat(values);
    const quote = quoteBytes({ ...right, values });
    const forged = {
      ...forgeAttestation(nonce),
      pcrs: [
        { digest: hex(all.subarray(0, 16)), index: 0 },
        { digest: hex(all.subarray(16)), index: 7 },
      ],
      quote: base64(quote),
      signature: base64(tpmSignature(quote)),
    };
    expect(await codeOf(() => checkQuote(host, forged, nonce))).toBe("QUOTE-BIND");
  });

  it("QUOTE-BIND: a byte more, less or changed is refused, everywhere", async () => {
    const whole = quoteBytes(right);
    for (const bytes of [whole.subarray(0, -1), concat([whole, Uint8Array.of(0)])]) {
      expect(await codeOf(async () => readQuote(bytes))).toBe("QUOTE-FORM");
    }
    const attestation = forgeAttestation(nonce);
    const quote = Uint8Array.fromBase64(attestation.quote);
    for (let at = 0; at < quote.length; at++) {
      const changed = Uint8Array.from(quote, (octet, index) => (index === at ? octet ^ 1 : octet));
      const code = await codeOf(() => checkQuote(host, { ...attestation, quote: base64(changed) }, nonce));
      expect(code).toBe("QUOTE-SIGNATURE");
    }
  });

  it("QUOTE-BIND: a signature of another form is refused", async () => {
    const good = tpmSignature(quoteBytes(right));
    const wrong = [
      concat([good, Uint8Array.of(0)]),
      good.subarray(0, -1),
      concat([u16(0x1a), good.subarray(2)]),
      concat([good.subarray(0, 2), u16(4), good.subarray(4)]),
      concat([good.subarray(0, 4), sized(new Uint8Array(33)), sized(new Uint8Array(32))]),
      new Uint8Array(0),
    ];
    for (const bytes of wrong) expect(await codeOf(async () => readTpmSignature(bytes))).toBe("QUOTE-FORM");
  });
});

describe("QUOTE-KEY: an attestation key", () => {
  const required: readonly ObjectAttribute[] = ["fixedTPM", "fixedParent", "sensitiveDataOrigin", "restricted", "sign"];
  it.each(required)("QUOTE-KEY: without %s is refused", async (attribute) => {
    const attributes = akAttributes & ~objectAttributes[attribute];
    expect(await codeOf(() => checkQuote(host, forgeAttestation(nonce, { attributes }), nonce))).toBe("QUOTE-KEY");
  });

  it("QUOTE-KEY: that decrypts too, or has no scheme, is refused", async () => {
    const both = akPublic(paperKey, akAttributes | objectAttributes.decrypt);
    expect(await codeOf(async () => checkAttestationKey(readPublicArea(both)))).toBe("QUOTE-KEY");
    const none = akPublic(paperKey, akAttributes, [0x10]);
    expect(await codeOf(async () => checkAttestationKey(readPublicArea(none)))).toBe("QUOTE-KEY");
    expect(checkAttestationKey(readPublicArea(akPublic()))).toBe("ecdsa-p256-sha256");
  });

  it("QUOTE-KEY: of another form is refused", async () => {
    const good = akPublic();
    const wrong = [
      good.subarray(0, -1),
      concat([good, Uint8Array.of(0)]),
      concat([u16(0x08), good.subarray(2)]),
      concat([good.subarray(0, 2), u16(4), good.subarray(4)]),
      akPublic(paperKey, akAttributes | 1),
      akPublic(paperKey, akAttributes | (1 << 31)),
      new Uint8Array(0),
      new Uint8Array(2000),
    ];
    for (const bytes of wrong) expect(await codeOf(async () => readPublicArea(bytes))).toBe("QUOTE-FORM");
  });
});

describe("QUOTE-LOG: a log", () => {
  const attestation = forgeAttestation(nonce);

  it("QUOTE-LOG: gives the values of the PCRs that it names, and says nothing of others", async () => {
    expect(await checkEventLog(host, attestation, bootLog)).toEqual([0, 4, 7]);
    const more = eventLog([...bootEvents, { pcr: 7, text: "not extended", type: 3 }]);
    expect(await checkEventLog(host, attestation, more)).toEqual([0, 4, 7]);
  });

  it("QUOTE-LOG: that replays to something else is refused", async () => {
    const [first, second, third, ...rest] = bootEvents.map((event) => event);
    const wrong = [
      [...bootEvents, { pcr: 4, text: "another kernel" }],
      [first, third, second, ...rest],
      [second, third, ...rest, { pcr: 0, text: "firmware 1.1" }],
      [...bootEvents, { pcr: 12, text: "later" }],
    ];
    for (const events of wrong) {
      const log = eventLog(events as typeof bootEvents);
      expect(await codeOf(() => checkEventLog(host, attestation, log))).toBe("QUOTE-LOG");
    }
  });

  it("QUOTE-LOG: knows from which locality the TPM was started", async () => {
    const log = eventLog([
      { pcr: 0, text: "StartupLocality\0\u0003", type: 3 },
      { pcr: 0, text: "firmware 1.2" },
    ]);
    const started = new Uint8Array(32);
    started[31] = 3;
    expect((await replayEventLog(host, log, "sha256")).get(0)).toEqual(extend(started, sha256(utf8("firmware 1.2"))));
  });

  it("QUOTE-LOG: that is cut, goes on, or is of the old form is refused", async () => {
    for (let length = 0; length < bootLog.length; length++) {
      const cut = bootLog.subarray(0, length);
      const code = await codeOf(() => checkEventLog(host, attestation, cut));
      // At the end of an event it is a whole log, of fewer events.
      expect(["QUOTE-FORM", "QUOTE-LOG", "none"]).toContain(code);
      if (code === "none") expect(await checkEventLog(host, attestation, cut)).not.toContain(7);
    }
    const wrong = [concat([bootLog, Uint8Array.of(1)]), bootLog.subarray(65), new Uint8Array((1 << 20) + 1)];
    for (const log of wrong) expect(await codeOf(() => checkEventLog(host, attestation, log))).toBe("QUOTE-FORM");
    expect(await codeOf(() => replayEventLog(host, bootLog, "sha512"))).toBe("QUOTE-FORM");
  });

  it("QUOTE-LOG: of IMA gives PCR 10 by all of its lines", async () => {
    const lines = [imaLine("boot_aggregate"), imaLine("/usr/bin/node"), imaLine("/var/log/x", true)];
    const log = concat(lines.map(({ line }) => line));
    const value = lines.reduce((before, { digest }) => extend(before, digest), new Uint8Array(32) as Uint8Array);
    const measured = forgeAttestation(nonce, { pcrs: new Map([[10, value]]), ima: log });
    expect(await checkImaLog(host, measured, log)).toEqual([10]);
    const later = concat([log, imaLine("/usr/bin/later").line]);
    const wrong = [
      later,
      concat(lines.slice(1).map(({ line }) => line)),
      log.subarray(0, -imaLine("/var/log/x").line.length),
    ];
    for (const bytes of wrong) expect(await codeOf(() => checkImaLog(host, measured, bytes))).toBe("QUOTE-LOG");
    expect(await codeOf(() => checkImaLog(host, measured, log.subarray(0, 30)))).toBe("QUOTE-FORM");
    expect(await codeOf(() => checkImaLog(host, attestation, log))).toBe("QUOTE-LOG");
  });

  it("QUOTE-LOG: the values of the tests are those of the events", () => {
    expect(bootPcrs.get(4)).toEqual(
      extend(extend(new Uint8Array(32), sha256(utf8("boot loader"))), sha256(utf8("kernel"))),
    );
    expect(valueAfter(bootEvents, 12)).toEqual(new Uint8Array(32));
  });
});

describe("QUOTE-KEY: a device's record", () => {
  it("QUOTE-KEY: is read as it is written", async () => {
    const bytes = await deviceRecordBytes(host, paperDevice());
    expect(await readDeviceRecord(host, bytes)).toEqual(paperDevice());
  });

  it("QUOTE-KEY: of keys that are none, or belong to another Name, is refused", async () => {
    const record = paperDevice();
    const reading = (changed: object) =>
      codeOf(() => readDeviceRecord(host, canonicalBytes({ ...record, ...changed } as unknown as Json)));
    expect(await reading({ ak: { ...record.ak, public: base64(ekPublic()) } })).toBe("QUOTE-KEY");
    expect(await reading({ ak: { ...record.ak, public: base64(akPublic(otherKey)) } })).toBe("QUOTE-KEY");
    expect(await reading({ ek: { ...record.ek, public: record.ak.public } })).toBe("QUOTE-KEY");
    expect(await reading({ handle: 1 })).toBe("SHAPE");
    expect(await reading({ more: 1 })).toBe("SHAPE");
  });

  it("QUOTE-KEY: what a manifest holds of it is read by its shape", () => {
    const attestation = JSON.parse(JSON.stringify(forgeAttestation(nonce)));
    expect(readAttestation(attestation, "attestation")).toEqual(attestation);
    expect(() => readAttestation({ ...attestation, more: 1 }, "attestation")).toThrow("unknown member");
    expect(() => readAttestation({ ...attestation, pcrs: [] }, "attestation")).toThrow("a list of 1 to 24");
  });
});

/** Also of what refuses before there is a promise. */
function codeOf(work: () => Promise<unknown>): Promise<string> {
  return codeOfWork((async () => work())());
}

function twice(bytes: Uint8Array): readonly Uint8Array[] {
  return [bytes, bytes];
}

import { beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { fromUtf8, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import {
  checkCheckpoint,
  checkpointText,
  type LogTrust,
  readCheckpoint,
  readCheckpointText,
} from "../../../manifests/log/checkpoint.ts";
import { noteBytes } from "../../../manifests/log/note.ts";
import { emptyRoot } from "../../../manifests/log/tree-proof.ts";
import { readVerifierKey, verifierKey } from "../../../manifests/log/verifier-key.ts";
import { codeOf } from "./code-of.ts";
import { cosignature, type LogKey, logKey, logSignature, signedCheckpoint } from "./log-keys.ts";
import { logVectors } from "./log-vectors.ts";

const origin = "log.example/one";
const checkpoint = { origin, size: 20852163, root: emptyRoot };
let log: LogKey;
let one: LogKey;
let two: LogKey;
let trust: LogTrust;
beforeAll(async () => {
  log = await logKey(origin);
  one = await logKey("witness.example/w1", "cosignature/v1");
  two = await logKey("witness.example/w2", "cosignature/v1");
  trust = { log: log.vkey, witnesses: [one.vkey, two.vkey], cosignatures: 1 };
});
const check = (bytes: Uint8Array, change: Partial<LogTrust> = {}) =>
  checkCheckpoint(nodeHost, bytes, { ...trust, ...change });

describe("a checkpoint", () => {
  const published = logVectors("notes.json") as Record<string, { note: string }>;
  const { note: example } = published["tlog-cosignature"] as { note: string };

  it("LOG-FORM: C2SP's example is read, and its text written again the same", () => {
    const read = readCheckpoint(utf8(example));
    expect([read.origin, read.size, hex(read.root).slice(0, 8)]).toEqual([
      "example.com/behind-the-sofa",
      20852163,
      "0ac5186a",
    ]);
    expect(checkpointText(read)).toBe(read.note.text);
    expect(fromUtf8(noteBytes(read.note))).toBe(example);
  });

  it("LOG-NOTE: holds under the log's key, with those witnesses that are pinned", async () => {
    const { cosigners, ...read } = await check(signedCheckpoint(checkpoint, log, [one, two], 1_796_000_000));
    expect([read.origin, read.size, read.root]).toEqual([origin, checkpoint.size, emptyRoot]);
    expect(cosigners.map(({ key, time }) => [key.name, time])).toEqual([
      ["witness.example/w1", 1_796_000_000],
      ["witness.example/w2", 1_796_000_000],
    ]);
    const alone = await check(signedCheckpoint(checkpoint, log), { witnesses: [], cosignatures: 0 });
    expect(alone.cosigners).toEqual([]);
  });

  it("LOG-NOTE: of too few witnesses, another log, or without the log's signature is refused", async () => {
    const refused = async (bytes: Uint8Array, change: Partial<LogTrust> = {}) => codeOf(() => check(bytes, change));
    expect(await refused(signedCheckpoint(checkpoint, log))).toBe("LOG-NOTE");
    expect(await refused(signedCheckpoint(checkpoint, log, [one]))).toBe("taken");
    expect(await refused(signedCheckpoint(checkpoint, log, [one]), { cosignatures: 2 })).toBe("LOG-NOTE");
    const text = checkpointText(checkpoint);
    expect(await refused(noteBytes({ text, signatures: [cosignature(one, text, 5)] }))).toBe("LOG-NOTE");
    // Another key under the log's own name, and the log's key under another origin.
    const imposter = await logKey("imposter");
    const named = { ...imposter, vkey: { ...imposter.vkey, name: origin } };
    expect(await refused(noteBytes({ text, signatures: [logSignature(named, text)] }), { cosignatures: 0 })).toBe(
      "LOG-NOTE",
    );
    const foreign = { ...checkpoint, origin: "log.example/two" };
    expect(await refused(signedCheckpoint(foreign, log), { cosignatures: 0 })).toBe("LOG-NOTE");
  });

  it("LOG-FORM: other than three lines in their form is refused", async () => {
    const root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    expect(readCheckpointText(`${origin}\n0\n${root}\n`)).toEqual({ origin, size: 0, root: emptyRoot });
    const refused = [
      "",
      `${origin}\n1\n${root}`,
      `${origin}\n1\n`,
      `${origin}\n1\n${root}\nextension\n`,
      `${origin}\n1\n${root}\n\n`,
      `\n1\n${root}\n`,
      `${"x".repeat(256)}\n1\n${root}\n`,
      `${origin}\n01\n${root}\n`,
      `${origin}\n-1\n${root}\n`,
      `${origin}\n1e3\n${root}\n`,
      `${origin}\n9007199254740992\n${root}\n`,
      `${origin}\n\n${root}\n`,
      `${origin}\n1\n${root.slice(0, -4)}\n`,
      `${origin}\n1\n${root.replace("=", "")}\n`,
      `${origin}\n1\n${root.replace("U=", "V=")}\n`,
      `${origin}\n1\n${root}${"A".repeat(100)}\n`,
      `${origin}\n0\n${root.replace("4", "5")}\n`,
    ];
    for (const text of refused)
      expect(await codeOf(() => readCheckpointText(text)), JSON.stringify(text)).toBe("LOG-FORM");
    expect(await codeOf(() => checkpointText({ ...checkpoint, size: 0.5 }))).toBe("LOG-FORM");
    expect(await codeOf(() => checkpointText({ ...checkpoint, origin: "two\nlines" }))).toBe("LOG-FORM");
  });

  it("LOG-NOTE: trust in one key under two names, in the log as its own witness, or in more than all is refused", async () => {
    const again = await verifierKey(nodeHost, "witness.example/again", "cosignature/v1", one.vkey.key);
    const own = await verifierKey(nodeHost, origin, "cosignature/v1", log.vkey.key);
    const bytes = signedCheckpoint(checkpoint, log, [one, two]);
    const refused = (change: Partial<LogTrust>) => codeOf(() => check(bytes, change));
    expect(await refused({ cosignatures: 2 })).toBe("taken");
    expect(await refused({ witnesses: [one.vkey, again] })).toBe("LOG-NOTE");
    expect(await refused({ witnesses: [one.vkey, one.vkey] })).toBe("LOG-NOTE");
    expect(await refused({ witnesses: [one.vkey, own] })).toBe("LOG-NOTE");
    expect(await refused({ cosignatures: 3 })).toBe("LOG-NOTE");
    expect(await refused({ cosignatures: -1 })).toBe("LOG-NOTE");
    expect(await refused({ witnesses: [log.vkey] })).toBe("LOG-NOTE");
    expect(await refused({ log: one.vkey })).toBe("LOG-NOTE");
  });
});

describe("an Ed25519 key that is pinned", () => {
  const spelled = async (point: string) =>
    codeOf(() => verifierKey(nodeHost, "a.example", "ed25519", Uint8Array.fromHex(point)));

  it("LOG-NOTE: is no point of small order, no other spelling of one, and a point of the curve", async () => {
    const refused = [
      // order 1, 2, 4, 4, 8, 8, 8, 8
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      // y of p and more, and x = 0 with a sign
      "0100000000000000000000000000000000000000000000000000000000000080",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      // y = 2 and y = 7: no x
      "0200000000000000000000000000000000000000000000000000000000000000",
      "0700000000000000000000000000000000000000000000000000000000000000",
      "00",
    ];
    for (const point of refused) expect(await spelled(point), point).toBe("LOG-NOTE");
    // The base point, the first public key of RFC 8032 7.1, and the key of C2SP's example.
    expect(await spelled("5866666666666666666666666666666666666666666666666666666666666666")).toBe("taken");
    expect(await spelled("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")).toBe("taken");
    expect(
      await codeOf(() =>
        readVerifierKey(nodeHost, "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "ed25519"),
      ),
    ).toBe("taken");
  });
});

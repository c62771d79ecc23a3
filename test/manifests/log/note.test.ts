import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import {
  checkNote,
  mostNoteBytes,
  noteBytes,
  readNote,
  readSignatureLines,
  signatureLine,
  withSignatures,
} from "../../../manifests/log/note.ts";
import { readVerifierKey, verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { codeOf } from "./code-of.ts";
import { cosignature, type LogKey, logKey, logSignature } from "./log-keys.ts";
import { logVectors } from "./log-vectors.ts";

const published = logVectors("notes.json") as Record<string, { key: string; note: string; time?: number }>;
const { key: exampleKey, note: example } = published["signed-note"] as { key: string; note: string };

let log: LogKey;
let witness: LogKey;
let other: LogKey;
beforeAll(async () => {
  log = await logKey("log.example/one");
  witness = await logKey("witness.example/w1", "cosignature/v1");
  other = await logKey("witness.example/w2", "cosignature/v1");
});

const text = "log.example/one\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n";
const signersOf = async (bytes: Uint8Array, keys: readonly LogKey[]) =>
  (
    await checkNote(
      nodeHost,
      readNote(bytes),
      keys.map(({ vkey }) => vkey),
    )
  ).map(({ key, time }) => [key.name, time]);

describe("a signed note", () => {
  it("LOG-NOTE: C2SP's example holds under C2SP's example key, and not after a change", async () => {
    const key = await readVerifierKey(nodeHost, exampleKey, "ed25519");
    expect(verifierKeyText(key)).toBe(exampleKey);
    const note = readNote(utf8(example));
    expect(note.text).toBe("This is an example message.\n");
    expect(fromUtf8(noteBytes(note))).toBe(example);
    expect(await checkNote(nodeHost, note, [key])).toEqual([{ key, time: null }]);
    const changed = readNote(utf8(example.replace("message", "massage")));
    expect(await codeOf(() => checkNote(nodeHost, changed, [key]))).toBe("LOG-NOTE");
  });

  it("LOG-NOTE: a public witness's cosignature of a public log's checkpoint holds, with its time, and not after a change", async () => {
    const { key: text, note, time } = published.witnessed as { key: string; note: string; time: number };
    const key = await readVerifierKey(nodeHost, text, "cosignature/v1");
    expect(await checkNote(nodeHost, readNote(utf8(note)), [key])).toEqual([{ key, time }]);
    const changed = readNote(utf8(note.replace("185550722", "185550723")));
    expect(await codeOf(() => checkNote(nodeHost, changed, [key]))).toBe("LOG-NOTE");
  });

  it("LOG-NOTE: text and signatures are told apart by the last empty line", () => {
    const note = readNote(utf8(`first\n\n\nsecond\n\n— a.example ${"A".repeat(8)}\n`));
    expect(note.text).toBe("first\n\n\nsecond\n");
    expect(note.signatures).toHaveLength(1);
  });

  it("LOG-NOTE: signers are those of the keys that are pinned, and the time is the cosigner's", async () => {
    const bytes = noteBytes({ text, signatures: [logSignature(log, text), cosignature(witness, text, 1_796_000_000)] });
    expect(await signersOf(bytes, [log, witness, other])).toEqual([
      ["log.example/one", null],
      ["witness.example/w1", 1_796_000_000],
    ]);
    expect(await signersOf(bytes, [other])).toEqual([]);
  });

  it("LOG-NOTE: a line of an unknown key is passed over, whatever stands in it, also under a known name or ID", async () => {
    const known = logSignature(log, text);
    const strange = [
      { ...known, id: "00000000" },
      { ...known, name: "other.example" },
      { name: "pq.example", id: "01020304", signature: new Uint8Array(2428) },
    ];
    expect(await signersOf(noteBytes({ text, signatures: [...strange, known] }), [log])).toEqual([
      ["log.example/one", null],
    ]);
  });

  it("LOG-NOTE: a signature of a known key that does not hold, or a second one, refuses the whole note", async () => {
    const good = logSignature(log, text);
    const bad = { ...good, signature: good.signature.map((byte) => byte ^ 1) };
    const late = cosignature(witness, text, 1_796_000_000);
    const moved = { ...late, signature: late.signature.map((byte, at) => (at === 7 ? byte ^ 1 : byte)) };
    const asked = (...signatures: (typeof good)[]) =>
      codeOf(() => signersOf(noteBytes({ text, signatures }), [log, witness]));
    expect(await asked(bad)).toBe("LOG-NOTE");
    expect(await asked(good, bad)).toBe("LOG-NOTE");
    expect(await asked(good, good)).toBe("LOG-NOTE");
    expect(await asked(good, moved)).toBe("LOG-NOTE");
    expect(await asked(good, { ...late, signature: late.signature.subarray(1) })).toBe("LOG-NOTE");
    expect(await asked(good, { ...late, signature: late.signature.map((byte, at) => (at < 8 ? 0 : byte)) })).toBe(
      "LOG-NOTE",
    );
    expect(await asked(good, { ...late, signature: late.signature.map((byte, at) => (at < 8 ? 255 : byte)) })).toBe(
      "LOG-NOTE",
    );
    expect(await asked(good, { ...late, signature: log.sign(utf8(text)) })).toBe("LOG-NOTE");
    expect(await asked(good, late)).toBe("taken");
  });

  it("LOG-NOTE: what is no note is refused", async () => {
    const line = signatureLine(logSignature(log, text));
    const refused = [
      "",
      "text\n",
      text,
      `${text}\n`,
      `${text}${line}`,
      `${text}\n${line.trimEnd()}`,
      `${text}\n${line.replace("\u2014", "-")}`,
      `${text}\n${line.replace(" ", "  ")}`,
      `${text}\n${line.replace("\n", " \n")}`,
      `${text}\n${line.replace("=", "")}`,
      `${text}\n\u2014 a+b AAAAAAA=\n`,
      `${text}\n\u2014  AAAAAAA=\n`,
      `${text}\n\u2014 a\u00a0b AAAAAAA=\n`,
      `${text}\n\u2014 a.example AAAAAA==\n`,
      `${text}\n\u2014 a.example AAAAAAB=\n`,
      `text\r\n\n${line}`,
      `text\u0000\n\n${line}`,
      `text\n\n${line.repeat(65)}`,
      `${"x".repeat(mostNoteBytes)}\n\n${line}`,
    ];
    for (const one of refused)
      expect(await codeOf(() => readNote(utf8(one))), JSON.stringify(one.slice(0, 90))).toBe("LOG-NOTE");
    expect(await codeOf(() => readNote(Uint8Array.of(0xff, 0x0a, 0x0a)))).toBe("LOG-NOTE");
    expect(await codeOf(() => readNote(utf8(`text\n\n${line.repeat(64)}`)))).toBe("taken");
  });

  it("LOG-NOTE: what is written is read as the same, or refused", async () => {
    const [line] = readSignatureLines(signatureLine(logSignature(log, text)));
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (free) => {
        const note = { text: free, signatures: [line as NonNullable<typeof line>] };
        const code = await codeOf(() => expect(readNote(noteBytes(note))).toEqual(note));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
        const fits = free.endsWith("\n") && free.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(free);
        expect(code).toBe(fits ? "taken" : "LOG-NOTE");
      }),
    );
  });

  it("LOG-NOTE: signatures are added behind those that are there, each line once", () => {
    const first = logSignature(log, text);
    const second = cosignature(witness, text, 1);
    const note = withSignatures({ text, signatures: [first] }, [second, first, second]);
    expect(note.signatures).toEqual([first, second]);
  });
});

describe("a verifier key", () => {
  const read = (given: string, type: "ed25519" | "cosignature/v1" = "ed25519") =>
    codeOf(() => readVerifierKey(nodeHost, given, type));

  it("LOG-NOTE: is read back from what is written", async () => {
    for (const { vkey } of [log, witness]) {
      expect(await readVerifierKey(nodeHost, verifierKeyText(vkey), vkey.type)).toEqual(vkey);
    }
  });

  it("LOG-NOTE: of another type, ID or form is refused", async () => {
    expect(await read(exampleKey)).toBe("taken");
    expect(await read(exampleKey, "cosignature/v1")).toBe("LOG-NOTE");
    expect(await read(verifierKeyText(witness.vkey))).toBe("LOG-NOTE");
    expect(await read(exampleKey.replace("530d903a", "530d903b"))).toBe("LOG-NOTE");
    expect(await read(exampleKey.replace("530d903a", "530D903A"))).toBe("LOG-NOTE");
    expect(await read(exampleKey.replace("example.com/foo", "example.com/bar"))).toBe("LOG-NOTE");
    expect(await read(exampleKey.replace("example.com/foo", "example com"))).toBe("LOG-NOTE");
    expect(await read(exampleKey.replace("example.com/foo", ""))).toBe("LOG-NOTE");
    for (const other of [
      "",
      "a",
      "a+b",
      "a+530d903a",
      `${exampleKey}=`,
      `${exampleKey}\n`,
      `${exampleKey}${"A".repeat(60)}`,
    ]) {
      expect(await read(other), other).toBe("LOG-NOTE");
    }
  });
});

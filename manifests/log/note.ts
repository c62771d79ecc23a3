/** Signed notes (c2sp.org/signed-note@v1.0.0): a text, an empty line, and signature lines. What a note says counts only where `checkNote` found a signature of a pinned key. */

import { base64, concat, equal, fromBase64, fromUtf8, hex, utf8 } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { Refusal, type RefusalCode } from "../refusal.ts";
import { cosignatureMessage, splitCosignature } from "./cosignature.ts";
import { checkKeyName, type VerifierKey } from "./verifier-key.ts";

/** Of a whole note; a note of 16 post-quantum signatures has about 110,000 bytes. */
export const mostNoteBytes = 131_072;
const mostSignatures = 64;

const dash = "\u2014";

/** One signature line: who signed by which key, and the bytes behind the key's ID. */
export interface NoteSignature {
  readonly name: string;
  /** four bytes, lower-case hex */
  readonly id: string;
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** ends with a line feed, which is signed too */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key whose signature holds; `time` is what a cosigner said, seconds since 1970. */
export interface NoteSigner {
  readonly key: VerifierKey;
  readonly time: number | null;
}

/** Reads a note; nothing of its signatures is checked. Refuses LOG-NOTE what is no note, has over 64 signatures or over 128 KiB. */
export function readNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > mostNoteBytes) throw new Refusal("LOG-NOTE", `a note is longer than ${mostNoteBytes} bytes`);
  const whole = fromUtf8(bytes, "LOG-NOTE");
  checkCharacters(whole);
  const end = whole.lastIndexOf("\n\n");
  if (end === -1) throw new Refusal("LOG-NOTE", "a note has no empty line between text and signatures");
  return { text: whole.slice(0, end + 1), signatures: readSignatureLines(whole.slice(end + 2)) };
}

/** A note as bytes. Refuses LOG-NOTE what `readNote` would not read as the same note. */
export function noteBytes({ signatures, text }: SignedNote): Uint8Array {
  const bytes = utf8(`${text}\n${signatures.map(signatureLine).join("")}`);
  if (readNote(bytes).text !== text) throw new Refusal("LOG-NOTE", "a note's text does not end with a line feed");
  return bytes;
}

/** The same note with further signatures behind those that it has; a line that is there already is not added twice. */
export function withSignatures(note: SignedNote, further: readonly NoteSignature[]): SignedNote {
  const signatures = [...note.signatures];
  for (const one of further) if (!signatures.some((other) => sameLine(one, other))) signatures.push(one);
  return { text: note.text, signatures };
}

/** A line with its line feed. */
export function signatureLine({ id, name, signature }: NoteSignature): string {
  return `${dash} ${name} ${base64(concat([Uint8Array.fromHex(id), signature]))}\n`;
}

/** Signature lines by themselves, as a witness answers with them. Refuses LOG-NOTE none, over 64 and what is no such line. */
export function readSignatureLines(text: string): readonly NoteSignature[] {
  if (!text.endsWith("\n"))
    throw new Refusal("LOG-NOTE", "a note's last line has no line feed, or it has no signature");
  const lines = text.slice(0, -1).split("\n", mostSignatures + 1);
  if (lines.length > mostSignatures) throw new Refusal("LOG-NOTE", `a note has more than ${mostSignatures} signatures`);
  return lines.map(readSignatureLine);
}

/**
 * The keys among `keys` whose signatures a note has, in the order of `keys`; lines of other keys are left out, as the format asks for. Refuses LOG-NOTE
 * a signature of a known key that does not hold, or two of one key. None at all is no refusal: how many are enough is for the caller to say.
 */
export async function checkNote(
  host: Host,
  note: SignedNote,
  keys: readonly VerifierKey[],
): Promise<readonly NoteSigner[]> {
  const signers: NoteSigner[] = [];
  for (const key of keys) {
    const [line, second] = note.signatures.filter(({ id, name }) => id === key.id && name === key.name);
    if (second) throw new Refusal("LOG-NOTE", "a key signed a note twice", { about: key.name });
    if (line) signers.push(await checkSignature(host, note.text, key, line));
  }
  return signers;
}

async function checkSignature(
  host: Host,
  text: string,
  key: VerifierKey,
  { signature }: NoteSignature,
): Promise<NoteSigner> {
  const { message, proper, time } = parts(key, text, signature);
  if (await host.verifyEd25519(key.key, message, proper)) return { key, time };
  throw new Refusal("LOG-NOTE", "a signature of a known key does not hold", { about: key.name });
}

function parts({ type }: VerifierKey, text: string, bytes: Uint8Array) {
  switch (type) {
    case "ed25519":
      return { message: utf8(text), proper: bytes, time: null };
    case "cosignature/v1": {
      const { signature, time } = splitCosignature(bytes);
      return { message: cosignatureMessage(text, time), proper: signature, time };
    }
  }
}

function readSignatureLine(line: string): NoteSignature {
  const [mark, name, text, ...more] = line.split(" ");
  if (mark !== dash || name === undefined || text === undefined || more.length > 0) {
    throw new Refusal("LOG-NOTE", "a line is no signature", { expected: `${dash} name base64` });
  }
  checkKeyName(name);
  const bytes = fromNoteBase64(text);
  if (bytes.length < 5) throw new Refusal("LOG-NOTE", "a signature line has no signature behind the key's ID");
  return { name, id: hex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** Reads canonical base64. Refuses LOG-NOTE unless said. */
export function fromNoteBase64(text: string, code: RefusalCode = "LOG-NOTE"): Uint8Array {
  try {
    return fromBase64(text);
  } catch (fault) {
    throw new Refusal(code, "expected canonical base64", { cause: fault });
  }
}

function checkCharacters(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw new Refusal("LOG-NOTE", "a note holds a control character");
}

function sameLine(one: NoteSignature, other: NoteSignature): boolean {
  return one.name === other.name && one.id === other.id && equal(one.signature, other.signature);
}

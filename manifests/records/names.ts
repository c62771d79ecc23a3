/** Names that people and media bring in: what is allowed, what the box makes of them, and how they are shown. */

import { utf8 } from "../encoding/bytes.ts";
import { Refusal } from "../refusal.ts";

const reserved = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;
// Control, format (bidi marks and overrides among them), surrogate, private use and unassigned; line and paragraph separators.
const unseen = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * Checks the name of a document: a single path element of 1 to 255 UTF-8 bytes, without control, bidi or unassigned
 * characters, in NFC, not reserved by FAT or Windows, no leading or trailing space, no trailing dot. Refuses with DOCUMENT-NAME.
 */
export function checkDocumentName(name: string): void {
  const wrong = fault(name);
  if (wrong) throw new Refusal("DOCUMENT-NAME", `name ${shown(name)} ${wrong}`, { about: name });
}

/** Of these only what is reserved could be wrong. */
const usual = /^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,200}[A-Za-z0-9])?$/;

function fault(name: string): string | undefined {
  if (usual.test(name)) return reserved.test(name) ? reservedByFat : undefined;
  if (name === "" || name === "." || name === "..") return "is not a file name";
  if (!name.isWellFormed() || unseen.test(name)) return "holds control, bidirectional or unassigned characters";
  if (/[/\\:*?"<>|]/.test(name)) return 'holds one of / \\ : * ? " < > |';
  if (name.length * 3 > 255 && utf8(name).length > 255) return "is longer than 255 bytes";
  if (name !== name.normalize("NFC")) return "is not in Unicode NFC";
  if (reserved.test(name)) return reservedByFat;
  if (/^\s|[\s.]$/u.test(name)) return "begins with a space, or ends with a space or dot";
  return undefined;
}

const reservedByFat = "is reserved by FAT";
const ascii = /^[ -~]*$/;

/** Two names that a FAT file system takes for one have one key: NFC, case folded. */
export function collisionKey(name: string): string {
  if (ascii.test(name)) return name.toLowerCase();
  return name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

const batchFolderForm =
  "a name of 1 to 64 of a-z 0-9 . _ -, without a dot at its end, and none that FAT keeps for itself (con, prn, aux, nul, com0 to com9, lpt0 to lpt9, with or without ending)";

/** A batch folder's name: `[a-z0-9._-]`, 1 to 64 characters, none that FAT or Windows takes for another: a device's, or with a dot at its end. Its answer goes to a folder of this name. */
export function isBatchFolder(name: string): boolean {
  return /^[a-z0-9._-]{1,64}$/.test(name) && !reserved.test(name) && !name.endsWith(".");
}

/** Refuses with MEDIA-NAME what `isBatchFolder` is not. */
export function checkBatchFolder(name: string): void {
  if (isBatchFolder(name)) return;
  throw new Refusal("MEDIA-NAME", `${shown(name)} cannot be the name of a batch folder`, {
    expected: batchFolderForm,
    got: name,
    about: name,
  });
}

/** Path of a seal below `outbox/BATCH`; index counts from 1. */
export function sealPath(index: number, name: string): string {
  return `seals/${numberedPath(index, name)}.p7s`;
}

/** Path of a plain envelope without its content below `outbox/BATCH`; `name` is the document's. */
export function envelopePath(index: number, name: string): string {
  return `envelopes/${numberedPath(index, name)}.p7m`;
}

/** Path of the content of a plain envelope below `outbox/BATCH`: a name without ending keeps no dot at its end, which FAT would drop. */
export function contentPath(index: number, name: string): string {
  return `documents/${numberedPath(index, name).replace(/\.+$/, "")}`;
}

function numberedPath(index: number, name: string): string {
  const folder = String(Math.floor((index - 1) / 1000)).padStart(4, "0");
  const reduced = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .slice(0, 64);
  return `${folder}/${String(index).padStart(6, "0")}-${reduced}`;
}

/** Path of a policy below `outbox/BATCH`. */
export function policyPath(number: number): string {
  return `policy/${String(number).padStart(4, "0")}.p7m`;
}

/** Path of a certificate below `outbox/BATCH`: position 1 is the key's own, then its issuers in order, without the root. */
/** In a bundle: the order that declared the emergency that it was sealed in, and the record that closed it. */
export const declarationPath = "evidence/declaration.p7m";
export const closingPath = "evidence/closing.p7m";

export function certificatePath(key: "sealing" | "audit", position: number): string {
  return `certificates/${key}-${position}.der`;
}

/** Path of a certificate below `audit`, by the SHA-256 of its DER, hex. */
export function keptCertificatePath(digest: string): string {
  return `certificates/${digest}.der`;
}

/** Path of the box's own time-stamp below `outbox/BATCH`. It is the box's, and so not among the evidence that others add. */
export const localTimePath = "local-time.tst";
/** The list of what was sealed. */
export const listPath = "documents.jsonl";

/** A name for terminals and printers: printable ASCII as it is, anything else as \u{hex}; backslash doubled. */
export function shown(name: string): string {
  return shownText(name.replaceAll("\\", "\\\\"));
}

/** Text of our own that may quote names, shown or not, as printable ASCII: what `shown` made of one stays as it is. In tables and lists messages of refusals, and what goes with them, are shown by this. */
export function shownText(text: string): string {
  let out = "";
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0x20 && code < 0x7f) out += character;
    else out += `\\u{${code.toString(16)}}`;
  }
  return out;
}

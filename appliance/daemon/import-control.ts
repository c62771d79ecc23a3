/** What the keeper sends in `control/in`: acknowledgements, policies, revocation data and evidence of time; certificates later. */

import { existsSync } from "node:fs";
import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { type ControlKind, checkForm, withForm } from "./control-form.ts";
import type { Parts } from "./parts.ts";
import { tooManyControlFiles } from "./stick-words.ts";

export interface Imported {
  readonly imported: readonly { readonly file: string; readonly kind: string; readonly number: number }[];
  readonly refused: readonly { readonly file: string; readonly refusal: RefusalRecord }[];
  /** that there are more files than were looked at, and what to do */
  readonly left?: string;
}

/** Imports each file once, policies first, as they say what else counts, then in the order of names; one that is refused does not stop the others. Refuses as intake's `scan`. */
export function importControl(parts: Parts): Promise<Imported> {
  return parts.sticks ? parts.sticks.reading(() => importFrom(parts)) : importFrom(parts);
}

async function importFrom(parts: Parts): Promise<Imported> {
  const { intake, settings, log } = parts;
  const root = settings.media.in;
  if (!existsSync(root)) throw new Refusal("MEDIA-READ", "the stick is not there", { about: root });
  const imported: { file: string; kind: string; number: number }[] = [];
  const refused: { file: string; refusal: RefusalRecord }[] = [];
  const seen = await intake.scan(root);
  const { control, controlCount = 0 } = seen;
  const left = controlCount > control.length ? tooManyControlFiles(seen) : null;
  if (left !== null) log.warn({ code: "MEDIA-LIMIT" }, left);
  for (const { name } of [...control].sort(byKind)) {
    try {
      imported.push({ file: shown(name), ...(await importFile(parts, root, name)) });
    } catch (fault) {
      const refusal = asRefusal(fault, "INTERNAL", "a fault while a file was imported");
      log.warn({ code: refusal.code, file: shown(name) }, refusal.message);
      refused.push({ file: shown(name), refusal: refusal.toRecord() });
    }
  }
  return { imported, refused, ...(left === null ? {} : { left }) };
}

function byKind(a: { readonly name: string }, b: { readonly name: string }): number {
  const isPolicy = ({ name }: { readonly name: string }) => kindOf(name) === "policy";
  return Number(isPolicy(b)) - Number(isPolicy(a)) || (a.name < b.name ? -1 : 1);
}

/** By the ending of its name; what is inside the signer judges. */
const kinds: readonly (readonly [RegExp, ControlKind])[] = [
  [/^ack[a-z0-9._-]*\.p7m$/, "acknowledgement"],
  [/^policy[a-z0-9._-]*\.p7m$/, "policy"],
  [/^0*[1-9][0-9]{0,14}\.ers$/, "evidence"],
  [/\.crl$/, "crl"],
  [/\.(?:ors|ocsp)$/, "ocsp"],
];

function kindOf(name: string): ControlKind | undefined {
  return kinds.find(([pattern]) => pattern.test(name))?.[1];
}

async function importFile(parts: Parts, root: string, name: string): Promise<{ kind: string; number: number }> {
  const { answered, intake, log } = parts;
  const kind = kindOf(name);
  if (kind === undefined) {
    throw new Refusal("CMS-TYPE", "not a kind of file that can be imported yet", {
      expected:
        "ack….p7m, policy….p7m, ….crl, ….ors, or NUMBER.ers (evidence of time over the manifest of that number)",
      got: shown(name),
      about: name,
    });
  }
  const bytes = await intake.control(root, name);
  const digest = hex(sha256(bytes));
  const done = answered.importOf(digest);
  if (done) return { kind: done.kind, number: done.number };
  checkForm(kind, name, bytes);
  const number = await handOver(parts, { bytes, kind, name }).catch((fault) => {
    throw fault instanceof Refusal ? withForm(fault, kind, name, bytes) : fault;
  });
  log.info({ file: shown(name), kind, number }, came[kind]);
  await answered.addImport({ digest, kind, number });
  return { kind, number };
}

const came: Readonly<Record<ControlKind, string>> = {
  acknowledgement: "an acknowledgement came in: the ledger holds all manifests up to this number",
  crl: "revocation data came in",
  evidence: "evidence of time came in: the chain is anchored to this number",
  ocsp: "revocation data came in",
  policy: "a new policy is in force",
};

function handOver(
  { signer }: Parts,
  { bytes, kind, name }: { readonly bytes: Uint8Array; readonly kind: ControlKind; readonly name: string },
): Promise<number> {
  switch (kind) {
    case "acknowledgement":
      return signer.acknowledge(bytes);
    case "policy":
      return signer.importPolicy(bytes);
    case "evidence":
      return signer.anchor(Number(name.slice(0, -".ers".length)), bytes);
    default:
      return signer.stageRevocation(kind, bytes);
  }
}

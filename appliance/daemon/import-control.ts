/** What the keeper sends in `control/in`: policies and revocation data; acknowledgements and certificates later. */

import { existsSync } from "node:fs";
import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { shown } from "../../manifests/records/names.ts";
import type { RevocationKind } from "../../manifests/records/revocation-part.ts";
import { asRefusal, Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import type { Parts } from "./parts.ts";

export interface Imported {
  readonly imported: readonly { readonly file: string; readonly kind: string; readonly number: number }[];
  readonly refused: readonly { readonly file: string; readonly refusal: RefusalRecord }[];
}

/** Imports each file once, in the order of names; one that is refused does not stop the others. Refuses as intake's `scan`. */
export async function importControl(parts: Parts): Promise<Imported> {
  const { intake, settings, log } = parts;
  const root = settings.media.in;
  if (!existsSync(root)) throw new Refusal("MEDIA-READ", "the stick is not there", { about: root });
  const imported: { file: string; kind: string; number: number }[] = [];
  const refused: { file: string; refusal: RefusalRecord }[] = [];
  const { control } = await intake.scan(root);
  for (const { name } of [...control].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    try {
      imported.push({ file: shown(name), ...(await importFile(parts, root, name)) });
    } catch (fault) {
      const refusal = asRefusal(fault, "INTERNAL", "a fault while a file was imported");
      log.warn({ code: refusal.code, file: shown(name) }, refusal.message);
      refused.push({ file: shown(name), refusal: refusal.toRecord() });
    }
  }
  return { imported, refused };
}

/** By the ending of its name; what is inside the signer judges. */
const kinds: readonly (readonly [RegExp, "policy" | RevocationKind])[] = [
  [/^policy[a-z0-9._-]*\.p7m$/, "policy"],
  [/\.crl$/, "crl"],
  [/\.(?:ors|ocsp)$/, "ocsp"],
];

async function importFile(parts: Parts, root: string, name: string): Promise<{ kind: string; number: number }> {
  const { answered, intake, log } = parts;
  const [, kind] = kinds.find(([pattern]) => pattern.test(name)) ?? [];
  if (kind === undefined) {
    throw new Refusal("CMS-TYPE", "not a kind of file that can be imported yet", {
      expected: "policy….p7m, ….crl or ….ors",
      got: shown(name),
      about: name,
    });
  }
  const bytes = await intake.control(root, name);
  const digest = hex(sha256(bytes));
  const done = answered.importOf(digest);
  if (done) return { kind: done.kind, number: done.number };
  const number = await handOver(parts, kind, bytes);
  log.info(
    { file: shown(name), kind, number },
    kind === "policy" ? "a new policy is in force" : "revocation data came in",
  );
  await answered.addImport({ digest, kind, number });
  return { kind, number };
}

function handOver({ signer }: Parts, kind: "policy" | RevocationKind, bytes: Uint8Array): Promise<number> {
  return kind === "policy" ? signer.importPolicy(bytes) : signer.stageRevocation(kind, bytes);
}

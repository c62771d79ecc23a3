/** CRLs and OCSP responses that came in on media: form, issuer, signature and times are checked, then the raw bytes are kept. */

import { sha256 } from "../../host/crypto-host.ts";
import { checkSignature } from "../../manifests/cms/signature.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type RevocationKind, stagedLimit } from "../../manifests/records/revocation-part.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { answersOf } from "../../manifests/verify/revocation.ts";
import type { Answer } from "../../manifests/verify/revocation-answer.ts";
import { readCrl } from "../../manifests/x509/crl.ts";
import { readOcsp } from "../../manifests/x509/ocsp.ts";
import { type Box, checkSound, clockSetting, now } from "./box.ts";
import { claimedError } from "./clock.ts";
import { knownIssuers, ownPaths, partsOf } from "./known-paths.ts";
import { newestOf, revocationInForce, revocationOf } from "./stored-revocation.ts";

/** What a list or response says of itself. */
interface Spoken {
  readonly subjects: readonly string[];
  readonly thisUpdate: Utc;
  readonly nextUpdate: Utc | undefined;
}

/**
 * Keeps a list or response (DER); gives its number, the same for the same bytes. Durable on return. Refuses with PATH-FORM, PATH-CRITICAL, CMS-ALGORITHM what cannot be
 * read, PATH-ROOT what nobody issued whom this box knows, CMS-SIGNATURE, CLOCK what is of a time to come, REVOCATION a response about no certificate
 * of this box, or that does not count, REVOCATION-STALE what has ended, is older than the policy allows or than what the box has.
 */
export async function stageRevocation(box: Box, kind: RevocationKind, bytes: Uint8Array): Promise<number> {
  checkSound(box);
  if (bytes.length > stagedLimit) {
    throw new Refusal("PATH-FORM", `revocation data of more than ${stagedLimit} bytes`, { got: `${bytes.length}` });
  }
  const digest = sha256(bytes);
  const known = revocationOf(box.db, digest);
  if (known) return known.id;
  const spoken = await (kind === "crl" ? checkCrl(box, bytes) : checkOcsp(box, bytes));
  checkTimes(box, spoken);
  return box.db.transaction(() => {
    checkSound(box);
    checkNewer(box, kind, spoken);
    const { nextUpdate = null, thisUpdate } = spoken;
    const subjects = canonical([...spoken.subjects].sort());
    const { lastInsertRowid } = box.db
      .prepare("INSERT INTO revocation_data (digest, kind, subjects, this_update, bytes) VALUES (?, ?, ?, ?, ?)")
      .run(digest, kind, subjects, thisUpdate, bytes);
    const id = Number(lastInsertRowid);
    box.record("revocation", { digest: hex(digest), id, kind, nextUpdate, subjects: JSON.parse(subjects), thisUpdate });
    return id;
  })();
}

async function checkCrl(box: Box, der: Uint8Array): Promise<Spoken> {
  const { issuer, nextUpdate, signature, signatureSuite: suite, tbs: message, thisUpdate } = readCrl(der);
  const named = knownIssuers(box).filter(
    ({ keyUsage, subject }) => equal(subject, issuer) && keyUsage?.includes("cRLSign"),
  );
  if (named.length === 0) {
    throw new Refusal("PATH-ROOT", "a CRL of an issuer whom this box does not know", {
      expected: "a CA of the box's own paths or of its submitters, which may sign lists",
    });
  }
  const { minimumRsaBits } = box.policies.inForce.policy.limits;
  let why: unknown;
  for (const { spki } of named) {
    try {
      await checkSignature(box.host, { suite, spki, message, signature, minimumRsaBits });
      return { subjects: [hex(sha256(spki))], thisUpdate, nextUpdate };
    } catch (fault) {
      why = fault;
    }
  }
  throw asRefusal(why, "CMS-SIGNATURE", "the CRL's signature does not hold");
}

/** It must answer for a certificate of the box: of others it is of no use here. */
async function checkOcsp(box: Box, der: Uint8Array): Promise<Spoken> {
  readOcsp(der);
  const at = now(box);
  const { minimumRsaBits } = box.policies.inForce.policy.limits;
  // A delegate without ocsp-nocheck is looked up in the lists that the box has.
  const crls = revocationInForce(box.db).flatMap(({ bytes, kind }) => (kind === "crl" ? [bytes] : []));
  const subjects = new Set<string>();
  const answers: Answer[] = [];
  let why = "it names none";
  const wanted = { crls, ocsp: [der], claimed: at, now: at, minimumRsaBits };
  for (const part of ownPaths(box).flatMap(partsOf)) {
    for (const one of (await answersOf(box.host, part, wanted)).ocsp) {
      if ("not" in one) why = one.not;
      else {
        answers.push(one);
        subjects.add(hex(sha256(part[0].der)));
      }
    }
  }
  const [oldest] = answers.sort((a, b) => (a.thisUpdate < b.thisUpdate ? -1 : 1));
  if (oldest) return { subjects: [...subjects], thisUpdate: oldest.thisUpdate, nextUpdate: oldest.nextUpdate };
  throw new Refusal("REVOCATION", "an OCSP response that answers for no certificate of this box", { got: why });
}

function checkTimes(box: Box, { nextUpdate, thisUpdate }: Spoken): void {
  const at = now(box);
  const { clock, revocation } = box.policies.inForce.policy;
  const slack = claimedError(clockSetting(box), clock.driftPpm, at) * 1000;
  if (Date.parse(thisUpdate) > Date.parse(at) + slack) {
    throw new Refusal("CLOCK", "revocation data of a time that is still to come", {
      expected: `up to ${at}`,
      got: thisUpdate,
    });
  }
  if (nextUpdate !== undefined && nextUpdate < at) throw stale("revocation data that has ended", `until ${nextUpdate}`);
  const age = (Date.parse(at) - Date.parse(thisUpdate)) / 1000;
  if (revocation && age > revocation.maximumAgeSeconds) {
    throw stale("revocation data that is older than the policy allows", `of ${thisUpdate}`);
  }
}

/** T17 of lists: what came in last year's envelope takes nothing back. */
function checkNewer(box: Box, kind: RevocationKind, { subjects, thisUpdate }: Spoken): void {
  const newest = newestOf(box.db);
  const fresh = subjects.some((subject) => (newest.get(`${kind} ${subject}`)?.thisUpdate ?? "") <= thisUpdate);
  if (!fresh) throw stale("the box has newer revocation data of the same", `of ${thisUpdate}`);
}

function stale(message: string, got: string): Refusal {
  return new Refusal("REVOCATION-STALE", message, { got });
}

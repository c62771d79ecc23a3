/** Before it seals, and before it says that it sealed: what came in on media says of the box's own certificates whether they are revoked, where the policy asks for that. */

import { hex } from "../../manifests/encoding/bytes.ts";
import { keyEntries } from "../../manifests/records/key-purpose.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { mostStaged } from "../../manifests/records/revocation-part.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { answersOf, checkRevocation, type RevocationWanted } from "../../manifests/verify/revocation.ts";
import { type Box, now } from "./box.ts";
import { type KnownPath, partsOf, pathOf } from "./known-paths.ts";
import type { Reservation } from "./reserve.ts";
import { newer } from "./reserved-keys.ts";
import { revocationInForce, type StoredRevocation } from "./stored-revocation.ts";
import { stampingChain } from "./time-stamp.ts";

/**
 * The manifest's member; nothing where the policy does not ask. Refuses with PATH-REVOKED where anything at hand, however old, revokes a certificate of a key in force, or of
 * one that the reservation was sealed or stamped by; REVOCATION-STALE where the policy refuses to seal and nothing new enough answers for one.
 */
export async function revocationPart(box: Box, reservation?: Reservation): Promise<Pick<Manifest, "revocation">> {
  const { policy } = box.policies.inForce;
  const rule = policy.revocation;
  if (!rule) return {};
  const data = revocationInForce(box.db);
  const all = wantedOf(box, data);
  const fresh = wantedOf(
    box,
    data.filter((one) => isFresh(box, one, rule)),
  );
  const stale = new Set<string>();
  for (const chain of chainsOf(box, reservation)) {
    const path = pathOf(chain, policy);
    await checkNotRevoked(box, path, all);
    for (const subject of await unanswered(box, path, fresh)) stale.add(subject);
  }
  if (stale.size > 0 && rule.stale === "refuse") {
    throw new Refusal("REVOCATION-STALE", "nothing new enough says whether certificates of the box are revoked", {
      expected: `CRLs or OCSP responses of the last ${rule.maximumAgeSeconds} s`,
      got:
        data.length === 0
          ? "none"
          : `the newest of ${data
              .map(({ thisUpdate }) => thisUpdate)
              .sort()
              .at(-1)}`,
      about: [...stale].join("; "),
    });
  }
  const files = data.slice(-mostStaged).map(({ digest, kind }) => ({ digest: hex(digest), kind }));
  return { revocation: { files, stale: [...stale].map((subject) => subject.slice(0, 500)) } };
}

/** Each once: keys in force, by their newest certificates, and what the reservation has used of older ones. */
function chainsOf(box: Box, reservation: Reservation | undefined): readonly (readonly Uint8Array[])[] {
  const { policy } = box.policies.inForce;
  const used = reservation?.periods.flatMap(({ keys }) => [keys.sealing.chain, keys.audit.chain]) ?? [];
  const stamped = reservation && stampingChain(box.db, reservation.number);
  const all = [
    ...keyEntries(box.keys).map(([, key]) => newer(box, key, policy).chain),
    ...used,
    ...(stamped ? [stamped] : []),
  ];
  return [...new Map(all.map((chain) => [hex(chain[0] as Uint8Array), chain])).values()];
}

function wantedOf(box: Box, data: readonly StoredRevocation[]): RevocationWanted {
  const at = now(box);
  const of = (wanted: StoredRevocation["kind"]) => data.flatMap(({ bytes, kind }) => (kind === wanted ? [bytes] : []));
  const { minimumRsaBits } = box.policies.inForce.policy.limits;
  return { crls: of("crl"), ocsp: of("ocsp"), claimed: at, now: at, minimumRsaBits };
}

function isFresh(box: Box, { thisUpdate }: StoredRevocation, rule: NonNullable<Policy["revocation"]>): boolean {
  return Date.parse(now(box)) - Date.parse(thisUpdate) <= rule.maximumAgeSeconds * 1000;
}

/** Whoever was revoked once stays so. */
async function checkNotRevoked(box: Box, path: KnownPath, wanted: RevocationWanted): Promise<void> {
  for (const part of partsOf(path)) {
    const { crls, ocsp } = await answersOf(box.host, part, wanted);
    const since = [...crls, ...ocsp].flatMap((one) =>
      "revoked" in one && one.revoked !== undefined ? [one.revoked] : [],
    );
    if (since[0] === undefined) continue;
    const { subjectText: about } = part[0];
    throw new Refusal("PATH-REVOKED", "a certificate of the box is revoked by its issuer", {
      about,
      got: `revoked ${since[0]}`,
    });
  }
}

/** Subjects of certificates, below the root, for which none of it answers now; where the root is not known, of the last one too. */
async function unanswered(box: Box, path: KnownPath, wanted: RevocationWanted): Promise<readonly string[]> {
  const { roots = [] } = box.policies.inForce.policy.revocation ?? {};
  const last = path.at(-1);
  const silent = last && !roots.some((root) => hex(root) === hex(last.der)) ? [last.subjectText] : [];
  for (const part of partsOf(path)) {
    try {
      await checkRevocation(box.host, part, wanted);
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code !== "REVOCATION") throw fault;
      // The lowest that is unanswered; those above it come up with the parts that begin there.
      silent.push(fault.about ?? part[0].subjectText);
    }
  }
  return silent;
}

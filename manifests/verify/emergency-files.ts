/**
 * What lies beside a batch that was sealed in an emergency (docs/formats.md, "An emergency"): the order that declared it, held against the
 * policy that it names, and the record that closed it, where somebody presents one.
 */

import { hex } from "../encoding/bytes.ts";
import type { Utc } from "../encoding/shape.ts";
import type { PastAuthorization } from "../records/authorization.ts";
import { type Closing, closedManifest, closedText, closingLimit, countedSeals, isMissing } from "../records/closing.ts";
import { type EmergencyPart, emergencyEnd, textNamed } from "../records/emergency.ts";
import type { Manifest } from "../records/manifest.ts";
import { closingPath, declarationPath } from "../records/names.ts";
import { readSignedOrder, verifyOrder } from "../records/order.ts";
import { Refusal } from "../refusal.ts";
import type { Work } from "./bundle-files.ts";
import { checkClosingFile } from "./closing-file.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import type { CheckedPolicies } from "./policy-files.ts";
import { readSmall } from "./source.ts";
import { evidenceFolder } from "./time-evidence.ts";

export interface EmergencyShown extends Pick<EmergencyPart, "cause" | "since"> {
  /** SHA-256 of the order that declared it, hex */
  readonly order: string;
  /** ids of the officers who signed that; none where the order was not there, or does not hold */
  readonly officers: readonly string[];
  /** why they declared it, in their words; null where the order does not hold */
  readonly reason: string | null;
  /** the legal text that it was declared under; null where the policy does not show it */
  readonly text: { readonly language: string; readonly text: string } | null;
  /** null: no closing record was presented, and nothing says how many seals were made in this emergency */
  readonly closing: ClosingShown | null;
}

export interface ClosingShown {
  /** path below the bundle, or "given" */
  readonly file: string;
  /** when officers ended it, as the box claims */
  readonly ended: Utc;
  readonly manifests: number;
  /** first and last number; null where none was made */
  readonly numbers: { readonly from: number; readonly to: number } | null;
  readonly seals: number;
  /** this very manifest; false where the box lost its disk, and does not know it any more */
  readonly lists: boolean;
  /** numbers that the loss of a disk left unexplained since */
  readonly missing: readonly { readonly from: number; readonly to: number }[];
  /** whether its audit key is one that a policy here names */
  readonly policyShown: boolean;
}

interface Parts {
  readonly checked: CheckedManifest | undefined;
  readonly policies: CheckedPolicies;
  readonly authorization: PastAuthorization | undefined;
}

/** What is shown of the emergency that a manifest names; null in other modes, where nothing of one may lie in the bundle. Whatever is wrong is a finding. */
export async function checkEmergencyFiles(work: Work, parts: Parts): Promise<EmergencyShown | null> {
  const { source, findings } = work;
  const { checked } = parts;
  const lying = (await source.list(evidenceFolder).catch(() => [])).map((name) => `${evidenceFolder}/${name}`);
  const emergency = checked?.manifest.emergency;
  if (!checked || !emergency) {
    for (const file of [declarationPath, closingPath]) {
      if (lying.includes(file)) findings.add(file, "BUNDLE-FORM", "nothing covers this file");
    }
    if (checked && work.trust.closings?.length) {
      findings.add(
        "closing record",
        "CLOSING",
        "this batch was not sealed in an emergency: no closing record goes with it",
      );
    }
    return null;
  }
  await findings.check("manifest.p7m", () => checkWithinLimits(checked.manifest, emergency, parts));
  const declared = await findings.check(declarationPath, () => checkDeclaration(work, checked, emergency, parts));
  const closings = await closingsAt(work, lying.includes(closingPath));
  let closing: ClosingShown | undefined;
  for (const { file, p7m } of closings) {
    // Each is looked at: none may be given in vain.
    const shown = await findings.check(file, () => checkClosing(work, checked, { emergency, file, p7m }, parts));
    closing ??= shown;
  }
  return {
    cause: emergency.cause,
    since: emergency.since,
    order: emergency.order,
    officers: declared?.officers ?? [],
    reason: declared?.reason ?? null,
    text: declared?.text ?? null,
    closing: closing ?? null,
  };
}

/** That of the bundle, and those that the verifier was given. */
async function closingsAt({ source, trust, findings }: Work, lies: boolean) {
  const own = lies && (await findings.check(closingPath, () => readSmall(source, closingPath, closingLimit)));
  const given = (trust.closings ?? []).map((p7m) => ({ file: "closing record", p7m }));
  return own ? [{ file: closingPath, p7m: own }, ...given] : given;
}

/** Refuses with EMERGENCY more seals than the policy allows one emergency, and approvals that could come after it. */
function checkWithinLimits(
  manifest: Manifest,
  { earlierSeals, since }: EmergencyPart,
  { authorization, policies }: Parts,
): void {
  const rules = policies.approved?.policy.emergency;
  if (!rules) return; // that the policy does not allow the mode is found by `binding.ts`
  const seals = earlierSeals + countedSeals(manifest);
  if (seals > rules.seals) {
    throw new Refusal("EMERGENCY", "more was sealed in this emergency than the policy allows", {
      expected: `at most ${rules.seals} seals`,
      got: `${seals}`,
    });
  }
  const end = emergencyEnd(since, rules);
  // No approval counts after it expired, and none that names this emergency is from before it.
  const expires = authorization?.challenge.expires ?? end;
  if (expires <= end) return;
  throw new Refusal("EMERGENCY", "the batch could be approved after the hours of its emergency", {
    expected: `up to ${end}`,
    got: expires,
  });
}

/** Refuses DER, CMS-*, JSON, SHAPE, MANIFEST-BIND, EMERGENCY, and as `verifyOrder`. */
async function checkDeclaration(
  { host, source }: Work,
  { oids }: CheckedManifest,
  emergency: EmergencyPart,
  { policies }: Parts,
) {
  const p7m = await readSmall(source, declarationPath);
  const { order, digest } = await readSignedOrder(host, oids, p7m);
  if (hex(digest) !== emergency.order || order.kind !== "declare-emergency") {
    throw new Refusal("MANIFEST-BIND", "this is not the order that the manifest names", {
      expected: emergency.order,
      got: `${hex(digest)}, ${order.kind}`,
    });
  }
  const { cause, reason, text } = order.what;
  same("cause", emergency.cause, cause);
  same("text", `${emergency.text.language} ${emergency.text.digest}`, `${text.language} ${text.digest}`);
  const under = policies.known.find((one) => hex(one.digest) === order.policyDigest);
  if (!under) {
    throw new Refusal(
      "POLICY-DIGEST",
      "the policy that the emergency was declared under is not here, or does not hold",
      {
        expected: order.policyDigest,
      },
    );
  }
  const { people } = await verifyOrder(host, oids, under, p7m, emergency.since);
  const words = await textNamed(host, under.policy, text);
  if (words === undefined) {
    throw new Refusal("EMERGENCY", "the policy has no such text as the emergency was declared under", {
      got: `${text.language} ${text.digest}`,
    });
  }
  return { officers: [...people].sort(), reason, text: { language: text.language, text: words } };
}

/** Refuses DER, CMS-*, JSON, SHAPE, PATH-*, CLOSING. */
async function checkClosing(
  { host, trust }: Work,
  { digest, manifest, oids }: CheckedManifest,
  { emergency, file, p7m }: { readonly emergency: EmergencyPart; readonly file: string; readonly p7m: Uint8Array },
  { policies }: Parts,
): Promise<ClosingShown> {
  const { arc, closing, policyShown } = await checkClosingFile(host, p7m, trust, policies.known);
  if (arc !== oids.arc)
    throw new Refusal("CLOSING", "the closing record is of another arc", { expected: oids.arc, got: arc });
  checkOfEmergency(closing, manifest, emergency);
  const listed = closing.manifests.find((one) => one.number === manifest.number);
  const { number } = manifest;
  const expected = `${number}: ${closedText(closedManifest(manifest, digest))}`;
  const got = listed ? `${number}: ${closedText(listed)}` : "none of this number";
  const lost = !listed && isMissing(closing, number);
  if (expected !== got && !lost) {
    throw new Refusal("CLOSING", "the closing record does not list this manifest", { expected, got });
  }
  if (!closing.recoveries) checkEarlier(closing, number, emergency.earlierSeals);
  const [first, last] = [closing.manifests[0], closing.manifests.at(-1)];
  return {
    file,
    ended: closing.ended.time,
    manifests: closing.manifests.length,
    numbers: first && last ? { from: first.number, to: last.number } : null,
    seals: closing.seals,
    lists: !lost,
    missing: closing.missing ?? [],
    policyShown,
  };
}

/**
 * Refuses with CLOSING a record of another box or emergency, or from before this manifest: by the journal, as the clock may have been set back. Times are the
 * box's claims: after the loss of a disk it may know another one of the same order.
 */
function checkOfEmergency(closing: Closing, manifest: Manifest, emergency: EmergencyPart): void {
  const named = (appliance: string, genesis: string, order: string) =>
    `${appliance}, genesis ${genesis}, order ${order}`;
  const expected = named(manifest.appliance, manifest.policy.genesis, emergency.order);
  const got = named(closing.appliance, closing.policy.genesis, closing.declared.order);
  if (expected !== got) throw new Refusal("CLOSING", "the closing record is of another emergency", { expected, got });
  const texts = [emergency, closing].map(({ cause, text }) => `${cause}, ${text.language} ${text.digest}`);
  if (texts[0] !== texts[1]) {
    throw new Refusal("CLOSING", "the closing record says another cause or text", {
      expected: texts[0] as string,
      got: texts[1] as string,
    });
  }
  if (closing.journal.sequence > manifest.journal.sequence && closing.policy.number >= manifest.policy.number) return;
  throw new Refusal("CLOSING", "the emergency was closed before this manifest was made", {
    expected: `after journal row ${manifest.journal.sequence}, under policy ${manifest.policy.number} or a later one`,
    got: `row ${closing.journal.sequence}, policy ${closing.policy.number}`,
  });
}

/** Refuses with CLOSING a record that lists more or fewer seals before this manifest than that counted itself; after a lost disk both may have counted what was known. */
function checkEarlier({ manifests }: Closing, number: number, earlier: number): void {
  const sum = manifests.reduce((seals, one) => (one.number < number ? seals + one.seals : seals), 0);
  if (sum === earlier) return;
  throw new Refusal("CLOSING", "the closing record counts other seals before this manifest than the manifest does", {
    expected: `${earlier}`,
    got: `${sum}`,
  });
}

function same(what: string, manifest: string, found: string): void {
  if (manifest === found) return;
  throw new Refusal("MANIFEST-BIND", `the manifest says another ${what} of the emergency`, {
    expected: found,
    got: manifest,
  });
}

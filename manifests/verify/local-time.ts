/** local-time.tst of a bundle: the box's own time-stamp, where its policy names a key for such, held against the manifest that names it. It never counts as evidence of time. */

import { readSignedData } from "../cms/read.ts";
import { fromHex, hex } from "../encoding/bytes.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { type Manifest, readManifest } from "../records/manifest.ts";
import { localTimePath } from "../records/names.ts";
import type { Policy } from "../records/policy.ts";
import { Refusal } from "../refusal.ts";
import { checkLocalToken, type OwnTime } from "../time/local-time.ts";
import { type TimeStamp, tokenLimit } from "../time/token.ts";
import { oidsOfType } from "./audit-signature.ts";
import { files, oidsWithoutManifest, type Work } from "./bundle-files.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import type { CheckedPolicies } from "./policy-files.ts";
import { type BundleSource, readSmall } from "./source.ts";
import { boxPath } from "./trust.ts";

/** What the box's own time-stamp says: its word on order and time, which proves nothing against the box. */
export interface LocalTimeWord {
  /** as stamped */
  readonly time: Utc;
  readonly accuracySeconds: number;
  /** subject of the certificate of the box's `time` key */
  readonly subject: string;
}

export interface CheckedLocalTime {
  readonly word: LocalTimeWord;
  /** DER, the certificate first, without the root */
  readonly chain: readonly Uint8Array[];
}

/**
 * The time-stamp that the manifest names; undefined where it names none, or what is there is a finding. A manifest that names one which its policy has no key for,
 * or none where its policy has, is a finding of the manifest. `latest`: the latest time that a seal claims.
 */
export async function checkLocalTime(
  { findings, host, source, trust }: Work,
  { manifest, oids }: CheckedManifest,
  { inForce }: Pick<CheckedPolicies, "inForce">,
  latest: Utc | undefined,
): Promise<CheckedLocalTime | undefined> {
  const { time: named } = manifest;
  await findings.check(files.manifest, () => checkNamed(host, manifest, inForce?.policy));
  if (!named) return undefined;
  return findings.check(localTimePath, async () => {
    const token = await readSmall(source, localTimePath, tokenLimit);
    if (hex(await host.digest("sha256", token)) !== named.file) {
      throw new Refusal("MANIFEST-BIND", "this is not the file that the manifest names");
    }
    const tree = { oids, root: fromHex(manifest.documents.root), number: manifest.number };
    const stamp = await checkLocalToken(host, token, tree);
    await checkKey(host, stamp, named);
    checkOrder(stamp.info.time, manifest.created, latest);
    const path = await boxPath(host, trust, {
      leaf: stamp.certificate.der,
      certificates: stamp.certificates,
      at: stamp.info.time,
      extendedKeyUsage: oid.timeStamping,
      policy: inForce?.policy,
    });
    return { word: wordOf(stamp), chain: path.slice(0, -1).map(({ der }) => der) };
  });
}

function wordOf({ certificate, info }: TimeStamp): LocalTimeWord {
  return { time: info.time, accuracySeconds: (info.accuracy ?? 0) / 1000, subject: certificate.subjectText };
}

/** Refuses HONEST, MANIFEST-BIND, PATH-REVOKED. */
async function checkNamed(
  host: Host,
  { outcome, time: named }: Manifest,
  policy: Pick<Policy, "keys" | "revoked"> | undefined,
): Promise<void> {
  if (outcome === "aborted") {
    if (named) throw new Refusal("HONEST", "a batch that was aborted has no time-stamp");
    return;
  }
  if (!policy) return;
  const spki = policy.keys.time;
  const expected = spki && hex(await host.digest("sha256", spki));
  if (expected !== named?.key) {
    throw new Refusal("MANIFEST-BIND", "the manifest names another key for the box's own time-stamps than the policy", {
      expected: expected ?? "none",
      got: named?.key ?? "none",
    });
  }
  if (named && policy.revoked.includes(named.certificate)) {
    throw new Refusal("PATH-REVOKED", "the policy revokes the certificate of the box's own time-stamps");
  }
}

async function checkKey(
  host: Host,
  { certificate }: TimeStamp,
  named: { readonly certificate: string; readonly key: string },
): Promise<void> {
  const key = hex(await host.digest("sha256", certificate.spki));
  const digest = hex(await host.digest("sha256", certificate.der));
  if (key === named.key && digest === named.certificate) return;
  throw new Refusal("MANIFEST-BIND", "the manifest names another key or certificate than the one that stamped", {
    expected: named.certificate,
    got: digest,
  });
}

/** After the last seal and before the manifest: as the box works. */
function checkOrder(time: Utc, created: Utc, latest: Utc | undefined): void {
  if (time <= created && (latest === undefined || time >= latest)) return;
  throw new Refusal("TIME-ORDER", "the box's own time-stamp is not between its last seal and its manifest", {
    expected: `${latest ?? "the last seal"} to ${created}`,
    got: time,
  });
}

/** By what the own time-stamps of a bundle's box are known, before anything of it is checked: whatever a manifest lies, its own signature is found wrong then. */
export async function ownTimeIn(source: BundleSource): Promise<OwnTime> {
  try {
    const data = readSignedData(await readSmall(source, files.manifest));
    const { localTime: policy } = oidsOfType(data, "manifest");
    return { policy, key: readManifest(data.content ?? new Uint8Array(0)).time?.key };
  } catch {
    return { policy: (await oidsWithoutManifest(source)).localTime, key: undefined };
  }
}

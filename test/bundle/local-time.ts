/** A bundle of a box that stamps its own work: with local-time.tst, right as it comes, wrong where a test changes one step. */

import { digestOf, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import type { SignerInfo } from "../../manifests/cms/signer-info.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { localTimePath } from "../../manifests/records/names.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { type LocalTime, localTimeAttributes, localToken, localTstInfo } from "../../manifests/time/local-time.ts";
import { type Issued, issue } from "../pki/authority.ts";
import { timeStampingOnly } from "../pki/tsa.ts";
import { type Bundle, type BundleChanges, buildBundle, signManifest } from "./build.ts";
import { issuer, oids } from "./people.ts";
import { times } from "./signed.ts";

/** The box's key for it. */
export const stamper = issue(issuer, { name: "Time", extensions: [timeStampingOnly] });

export interface StampChanges {
  /** of the TSTInfo */
  readonly info?: (info: LocalTime) => LocalTime;
  /** what stands in place of the TSTInfo */
  readonly content?: (info: Uint8Array) => Uint8Array;
  /** what is signed in place of the attributes */
  readonly attributes?: (attributes: Uint8Array) => Uint8Array;
  readonly by?: Issued;
  /** what stands beside its certificate in the token: its issuer's unless said */
  readonly issuers?: readonly Uint8Array[];
  /** what stands in place of the token; the manifest names it */
  readonly token?: (token: Uint8Array) => Uint8Array;
  /** of the manifest, which names the token and its key */
  readonly manifest?: (manifest: Manifest) => Manifest;
  /** of the policy, which names the key */
  readonly policy?: (policy: Policy) => Policy;
  readonly bundle?: BundleChanges;
}

export async function stampedBundle(changes: StampChanges = {}): Promise<Bundle> {
  const { bundle: built, by = stamper, manifest: said = same, token: put = same } = changes;
  const named = (policy: Policy) => ({ ...policy, keys: { ...policy.keys, time: stamper.spki } });
  const bundle = await buildBundle({ ...built, policy: (policy) => (changes.policy ?? same)(named(policy)) });
  const token = put(await stampOver(bundle.manifest, changes));
  const time = { certificate: hex(sha256(by.certificate)), file: hex(sha256(token)), key: hex(sha256(by.spki)) };
  const manifest = said({ ...bundle.manifest, time });
  const files = new Map(bundle.files).set("manifest.p7m", await signManifest(manifest)).set(localTimePath, token);
  return { ...bundle, files, manifest };
}

/** A token over a manifest's tree. */
export async function stampOver({ documents, number }: Manifest, changes: StampChanges = {}): Promise<Uint8Array> {
  const { attributes: signed = same, by = stamper, content = same, info: said = same } = changes;
  const right = { oids, root: fromHex(documents.root), number, time: times.manifest, accuracySeconds: 2 };
  const facts = said(right);
  const info = content(localTstInfo(facts));
  const { suite } = by;
  const attributes = signed(
    localTimeAttributes({
      time: facts.time,
      messageDigest: digestOf(suite.hash, info),
      certificateDigest: sha256(by.certificate),
      suite,
    }),
  );
  const signature = await by.signingKey.sign(attributes);
  const chain = [by.certificate, ...(changes.issuers ?? [issuer.certificate])];
  return localToken({ info, attributes, chain, suite, signature });
}

/** The one signer of a token. */
export function signerIn(token: Uint8Array): SignerInfo {
  return readSignedData(token).signers[0] as SignerInfo;
}

function same<T>(value: T): T {
  return value;
}

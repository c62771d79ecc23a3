/** A complete bundle of plain envelopes, in memory. */

import { digestOf, nodeHost, sha256 } from "../../host/crypto-host.ts";
import { concat, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { compositionHasher, identityHasher } from "../../manifests/records/identity.ts";
import { envelopePath } from "../../manifests/records/names.ts";
import { type ListedEnvelope, plainListLine, plainListPath } from "../../manifests/records/plain-list.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { issue } from "../pki/authority.ts";
import { envelopeParts, withoutContent } from "../pki/plain.ts";
import { type Bundle, buildBundle } from "./build.ts";
import { oids, root } from "./people.ts";
import { times } from "./signed.ts";

export const desk = issue(root, { name: "Contracts desk", eku: [oids.plainSubmitter] });
const key = hex(sha256(desk.spki));
const contents = { "a.txt": "one", "z.txt": "", "Übersicht.pdf": "two" };

/** Manifest number 1, sealed; valid as it comes. */
export async function buildPlainBundle(): Promise<Bundle> {
  const listed: ListedEnvelope[] = [];
  const files = new Map<string, Uint8Array>();
  for (const [at, [name, content]] of Object.entries(contents).entries()) {
    const parts = await envelopeParts(desk, content, { signingTime: times.request });
    const envelope = envelopePath(at + 1, name);
    files.set(envelope, withoutContent(parts));
    listed.push({
      digest: hex(digestOf("sha256", parts.content)),
      envelope,
      envelopeDigest: hex(sha256(withoutContent(parts))),
      file: `${name}.p7m`,
      index: at + 1,
      name,
      size: parts.content.length,
    });
  }
  const list = concat(listed.map(plainListLine));
  const composition = compositionHasher(nodeHost, key);
  const identity = identityHasher(nodeHost, key, "");
  for (const entry of listed) {
    composition.add(entry);
    identity.add(entry);
  }
  const [digest, same] = [hex(await composition.end()), hex(await identity.end())];
  const bundle = await buildBundle({
    documents: Object.fromEntries(Object.entries(contents).map(([name, content]) => [name, utf8(content)])),
    policy: (policy) => ({
      ...policy,
      submitters: { ...policy.submitters, plainEnvelopes: { maximumAgeSeconds: 86_400 } },
    }),
    challenge: (challenge) => ({ ...challenge, batchDigest: digest }),
    manifest: (manifest) => ({
      ...manifest,
      request: {
        composition: "signed by nobody",
        digest,
        file: hex(sha256(list)),
        identity: same,
        kind: "plain-envelopes",
        namesAndSizes: "as intake reported them",
        submitter: {
          certificate: hex(sha256(desk.certificate)),
          key,
          name: readCertificate(desk.certificate).subjectText,
        },
      },
    }),
  });
  bundle.files.delete("batch.p7m");
  bundle.files.set(plainListPath, list);
  for (const [path, bytes] of files) bundle.files.set(path, bytes);
  return bundle;
}

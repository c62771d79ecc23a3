import { joinShares, openShare, splitPin } from "../../../ceremony/shares/split.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import { readWrapped } from "../../../manifests/records/share.ts";
import { entryBytes, readEntry, readTranscript, verifyTranscript } from "../../../manifests/records/transcript.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import {
  type CertificateRequest,
  checkAnswers,
  simpleName,
  verifyCertificateRequest,
  writeCertificateRequest,
} from "../../../manifests/x509/certificate-request.ts";
import { audit, oids, op1, op2 } from "../../bundle/people.ts";
import { signedBy } from "../../bundle/signed.ts";
import { entryOf, fileDigest, transcriptContent } from "../../manifests/records/transcript-content.ts";
import { mutateFile } from "../files.ts";
import { mutateDer } from "../mutate-der.ts";
import { Broken, type Target } from "../target.ts";

const content = await transcriptContent([
  { id: "op1", certificate: op1.certificate },
  { id: "op2", certificate: op2.certificate },
]);

/** Whatever verifies was signed by both who were there, over a chain that holds. */
export const transcriptTarget: Target = {
  name: "transcript",
  seeds: async () => [
    await signedBy([op1, op2], oids.transcript, content),
    await signedBy([op1, op2, audit], oids.transcript, content),
    await signedBy([op1], oids.transcript, content),
  ],
  mutate: mutateFile,
  run: async (input) => {
    const { signers, transcript } = await verifyTranscript(nodeHost, oids, input);
    if (!signers.includes("op1") || !signers.includes("op2")) throw new Broken("somebody who was there did not sign");
    return transcript;
  },
};

/** Bare content and bare entries: read whole or refused, and written back to the same bytes. */
export const transcriptContentTarget: Target = {
  name: "transcript-content",
  seeds: async () => [content, entryBytes(entryOf("opened", fileDigest, 1, ["op1"]))],
  mutate: mutateFile,
  run: async (input) => {
    const [asTranscript, asEntry] = await Promise.allSettled([
      readTranscript(nodeHost, input),
      Promise.resolve().then(() => readEntry(input)),
    ]);
    if (asTranscript.status === "rejected" && asEntry.status === "rejected") throw asTranscript.reason;
    if (asEntry.status === "fulfilled" && Buffer.compare(entryBytes(asEntry.value), input) !== 0) {
      throw new Broken("an entry that was read is written otherwise");
    }
    return asTranscript;
  },
};

const auditSpki = readCertificate(audit.certificate).spki;
const passphrase = { kind: "passphrase" as const, passphrase: utf8("eight letters") };
const split = await splitPin(
  utf8("0123456789"),
  {
    appliance: "box-1",
    token: "0badc0de",
    purpose: "unlock",
    threshold: 2,
    holders: ["op1", "op2"].map((id) => ({ id, protect: passphrase })),
    now: "2026-11-26T12:00:00Z",
    cost: { N: 16, p: 1, r: 1 },
  },
  (message) => audit.signingKey.sign(message),
);

/** A share of one byte more or less is none: what opens is the piece that was signed for. */
export const shareTarget: Target = {
  name: "share",
  seeds: async () => split.shares.map(({ file }) => file),
  mutate: mutateFile,
  run: async (input) => {
    const opened = await openShare(input, split.wrapped, [auditSpki], async () => passphrase);
    const other = split.shares.find(({ index }) => index !== opened.record.index);
    if (!other) throw new Broken("a share of no holder");
    const second = await openShare(other.file, split.wrapped, [auditSpki], async () => passphrase);
    const pin = await joinShares([opened, second], split.wrapped);
    if (Buffer.from(pin).toString() !== "0123456789") throw new Broken("shares opened another PIN");
    return opened.record;
  },
};

export const wrappedPinTarget: Target = {
  name: "wrapped-pin",
  seeds: async () => [split.wrapped],
  mutate: mutateFile,
  run: (input) => readWrapped(input),
};

const [request, criticalRequest] = await Promise.all(
  [false, true].map((criticalUsage) =>
    writeCertificateRequest({
      subject: simpleName("Example", "box-1 audit"),
      spki: auditSpki,
      extendedKeyUsage: [oids.audit],
      criticalUsage,
      suite: audit.suite,
      sign: (message) => audit.signingKey.sign(message),
    }),
  ),
);

/** Only requests that their own key signed; and no certificate of another key answers one. */
export const certificateRequestTarget: Target = {
  name: "certificate-request",
  seeds: async () => [request, criticalRequest] as Uint8Array[],
  mutate: mutateDer,
  run: async (input) => {
    const read: CertificateRequest = await verifyCertificateRequest(nodeHost, input);
    try {
      checkAnswers(read, op1.certificate);
    } catch {
      return canonicalBytes({ subject: read.subjectText });
    }
    throw new Broken("another key's certificate answers the request");
  },
};

import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { der, generalizedTime, integer, octetString, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { checkRevocation } from "../../../manifests/verify/revocation.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { publicKeyBits } from "../../../manifests/x509/key.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { audit, issuer, root, sealing } from "../../bundle/people.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeDelegate, makeOcsp, ocspExtension, type WantedAnswer, type WantedOcsp } from "../../pki/ocsp.ts";

const at = "2026-12-01T00:00:00Z";

describe("a bundle with OCSP responses", () => {
  let bundle: Bundle;
  beforeAll(async () => {
    bundle = await buildBundle();
  });

  async function found(ocsp: readonly Uint8Array[], crls?: readonly Uint8Array[]) {
    const trust = { roots: [root.certificate], genesis: bundle.genesis, at, ocsp, ...(crls ? { crls } : {}) };
    const { findings, indication } = await verifyBundle(nodeHost, memorySource(bundle), trust);
    const codes = [...new Set(findings.map(({ code, file }) => `${file.split("/")[0]} ${code}`))].sort();
    return { codes, indication };
  }
  const good = ({ certificate }: Issued): WantedAnswer => ({ certificate });
  const ofIssuer = () => makeOcsp(root, [good(issuer)]);

  it("T11: passes where each certificate of the box is answered for, by responses, or by CRLs and responses", async () => {
    const both = makeOcsp(issuer, [good(sealing), good(audit)]);
    expect(await found([ofIssuer(), both])).toEqual({
      codes: [],
      indication: { main: "TOTAL-PASSED", sub: null, revocation: "OCSP responses", time: "claimed" },
    });
    const apart = [makeOcsp(issuer, [good(sealing)]), makeOcsp(issuer, [good(audit)])];
    expect((await found(apart, [makeCrl(root)])).indication.revocation).toBe("CRLs and OCSP responses");
    expect((await found(apart, [makeCrl(root)])).codes).toEqual([]);
  });

  it("T11: what any of them says is revoked does not count, whatever the others say", async () => {
    const revoking = makeOcsp(issuer, [{ ...good(sealing), status: "revoked" }, good(audit)]);
    const crls = [makeCrl(root), makeCrl(issuer)];
    for (const ocsp of [[revoking], [makeOcsp(issuer, [good(sealing)]), revoking]]) {
      expect((await found(ocsp, crls)).codes).toEqual(expect.arrayContaining(["seals PATH-REVOKED"]));
      expect((await found(ocsp, crls)).codes).not.toContain("manifest.p7m PATH-REVOKED");
    }
    const revoked = [readCertificate(audit.certificate).serial];
    const listed = await found([makeOcsp(issuer, [good(audit)])], [makeCrl(root), makeCrl(issuer, { revoked })]);
    expect(listed.codes).toContain("manifest.p7m PATH-REVOKED");
  });

  it("T11: is not known where one certificate is not answered for", async () => {
    const { codes, indication } = await found([ofIssuer(), makeOcsp(issuer, [good(audit)])]);
    expect(codes).toContain("seals REVOCATION");
    expect(codes).not.toContain("manifest.p7m REVOCATION");
    expect(indication).toMatchObject({ main: "INDETERMINATE", sub: "TRY_LATER" });
  });
});

/** One certificate below one CA, asked about at one time; what stands in a response is changed row by row. */
describe("a response about one certificate", () => {
  const ca = makeRoot({ name: "CA" });
  const other = makeRoot({ name: "Other CA" });
  const sameName = makeRoot({ name: "CA" });
  const { certificate } = issue(ca, { name: "leaf" });
  const claimed = "2026-11-23T00:00:00Z";
  const delegate = makeDelegate(ca);

  async function judge(ocsp: readonly Uint8Array[], crls: readonly Uint8Array[] = [], leaf = certificate, by = [ca]) {
    const path = [leaf, ...by.map((one) => one.certificate)].map(readCertificate);
    const wanted = { crls, ocsp, claimed, now: at, minimumRsaBits: 2048 };
    return checkRevocation(nodeHost, path, wanted).then(
      (until) => until,
      ({ code, got }) => `${code}: ${got}`,
    );
  }
  const answer = (more: Partial<WantedAnswer> = {}, wanted: WantedOcsp = {}) =>
    makeOcsp(ca, [{ certificate, ...more }], wanted);
  const by = (signer: Issued, wanted: WantedOcsp = {}, ...others: readonly Issued[]) =>
    answer({}, { signer, certificates: [signer, ...others].map((one) => one.certificate), ...wanted });

  const named = ({ subject }: Issued) => der(0xa1, subject);
  const keyed = ({ spki }: Issued) => der(0xa2, octetString(createHash("sha1").update(publicKeyBits(spki)).digest()));

  const until = "2027-01-01T00:00:00Z";
  const none = "REVOCATION: none";
  const nobody = "REVOCATION: an OCSP response whose signature does not hold by whom it names";
  const notIssued = "REVOCATION: an OCSP response by a responder whom the issuer did not certify";
  const notFor = "REVOCATION: an OCSP response by a responder whose certificate is not for that";
  const notThen = "REVOCATION: an OCSP response by a responder whose certificate was not valid then";
  const critical = "REVOCATION: an OCSP response by a responder with a critical extension that is not understood";
  const revokedResponder = "REVOCATION: an OCSP response by a responder whose certificate is revoked";
  const unsaid = "REVOCATION: an OCSP response by a responder of whom nothing says that it is not revoked";
  const past = { thisUpdate: "2026-11-01T00:00:00Z", nextUpdate: "2026-11-10T00:00:00Z" };

  it.each<[string, string, () => Uint8Array]>([
    ["by the issuer, named by its name", until, () => answer()],
    ["by the issuer, named by its key", until, () => answer({}, { responder: "key" })],
    ["with SHA-256 in the certificate's name", until, () => answer({ hash: "sha256" })],
    ["with a nonce", until, () => answer({}, { extensions: [ocspExtension("1.3.6.1.5.5.7.48.1.2", integer(5))] })],
    ["with an extension that nobody knows", until, () => answer({ extensions: [ocspExtension("1.2.3", integer(5))] })],
    ["made after the claimed time, without an end", at, () => answer({ thisUpdate: at, nextUpdate: null })],
    ["by a delegate, named by its name", until, () => by(delegate)],
    ["by a delegate, named by its key", until, () => by(delegate, { responder: "key" })],
    ["by a delegate that comes after other certificates", until, () => by(ca, {}, delegate)],
    ["by a delegate whose key usage is missing", until, () => by(makeDelegate(ca, { keyUsage: null }))],
    ["that says revoked", "PATH-REVOKED: revoked 2026-11-20T13:00:00Z", () => answer({ status: "revoked" })],
    [
      "that says revoked, by a delegate, long ago",
      "PATH-REVOKED: revoked 2026-11-20T13:00:00Z",
      () =>
        makeOcsp(ca, [{ certificate, status: "revoked", ...past }], {
          signer: delegate,
          certificates: [delegate.certificate],
        }),
    ],
    ["that says unknown", "REVOCATION: an OCSP response that does not know it", () => answer({ status: "unknown" })],
    ["about another certificate", none, () => makeOcsp(ca, [{ certificate: delegate.certificate }])],
    ["about another CA's of that number", none, () => answer({ issuer: other }, { signer: other })],
    ["about a CA's of that key with another name", none, () => answer({ issuer: { ...ca, subject: other.subject } })],
    ["about a CA's of that name with another key", none, () => answer({ issuer: sameName }, { signer: sameName })],
    ["by another CA", nobody, () => answer({}, { signer: other })],
    ["by another CA, whose certificate comes with it", notIssued, () => by(other)],
    ["by another key under the issuer's name", nobody, () => answer({}, { signer: sameName })],
    ["by the certificate itself", notIssued, () => by(makeDelegate(other))],
    ["by a delegate of another CA of that name", notIssued, () => by(makeDelegate(sameName))],
    ["by the issuer, in a delegate's name", nobody, () => answer({}, { responderId: named(delegate) })],
    ["by a delegate, in another key's name", nobody, () => by(delegate, { responderId: keyed(other) })],
    ["by a delegate who names another issuer", notIssued, () => by(makeDelegate(ca, { issuer: other.subject }))],
    ["by a delegate whose certificate is not there", nobody, () => answer({}, { signer: delegate })],
    [
      "by a delegate of a CA below the issuer",
      notIssued,
      () => by(makeDelegate(issue(ca, { name: "below", ca: true }))),
    ],
    ["by a certificate for something else", notFor, () => by(makeDelegate(ca, { eku: ["1.3.6.1.5.5.7.3.4"] }))],
    ["by a certificate for anything", notFor, () => by(makeDelegate(ca, { eku: ["2.5.29.37.0"] }))],
    ["by a certificate for nothing in particular", notFor, () => by(issue(ca, { name: "plain" }))],
    ["by a CA below the issuer", notFor, () => by(makeDelegate(ca, { ca: true, keyUsage: ["digitalSignature"] }))],
    ["by a delegate that may only encrypt", notFor, () => by(makeDelegate(ca, { keyUsage: ["keyEncipherment"] }))],
    ["by a delegate that had ended", notThen, () => by(makeDelegate(ca, { notAfter: "2026-11-20T00:00:00Z" }))],
    ["by a delegate that had not begun", notThen, () => by(makeDelegate(ca, { notBefore: "2026-11-22T00:00:00Z" }))],
    [
      "by a delegate with a critical extension that nobody knows",
      critical,
      () => by(makeDelegate(ca, { extensions: [{ oid: "1.2.3.4", critical: true, value: integer(1) }] })),
    ],
    ["by a delegate without ocsp-nocheck", unsaid, () => by(makeDelegate(ca, { extensions: [] }))],
    ["of the past", "REVOCATION: one that answers until 2026-11-10T00:00:00Z", () => answer(past)],
    [
      "of the past, without an end",
      "REVOCATION: one that answers until 2026-11-01T00:00:00Z",
      () => answer({ ...past, nextUpdate: null }),
    ],
    [
      "of the verifier's future",
      "REVOCATION: one that claims to be of 2026-12-02T00:00:00Z, which is still to come",
      () => answer({ thisUpdate: "2026-12-02T00:00:00Z" }),
    ],
    [
      "produced in the verifier's future",
      "REVOCATION: one that claims to be of 2026-12-02T00:00:00Z, which is still to come",
      () => answer({}, { producedAt: "2026-12-02T00:00:00Z" }),
    ],
  ])("T11: %s: %s", async (_, expected, make) => {
    expect(await judge([make()])).toBe(expected);
  });

  it("T11: an issuer that may sign neither lists nor anything else answers nothing itself", async () => {
    const weak = issue(ca, { name: "weak", ca: true, keyUsage: ["keyCertSign"] });
    const leaf = issue(weak, { name: "leaf" });
    const crls = [makeCrl(ca)];
    const ocsp = makeOcsp(weak, [{ certificate: leaf.certificate }]);
    expect(await judge([ocsp], crls, leaf.certificate, [weak, ca])).toBe(
      "REVOCATION: an OCSP response whose signer's key usage does not allow it",
    );
    const signer = makeDelegate(weak);
    const delegated = makeOcsp(weak, [{ certificate: leaf.certificate }], {
      signer,
      certificates: [signer.certificate],
    });
    expect(await judge([delegated], crls, leaf.certificate, [weak, ca])).toBe(until);
  });

  it("T11: a path is answered for as long as each of its certificates is", async () => {
    const middle = issue(ca, { name: "middle", ca: true });
    const leaf = issue(middle, { name: "leaf" });
    const ofLeaf = (nextUpdate: string) => makeOcsp(middle, [{ certificate: leaf.certificate, nextUpdate }]);
    const ofMiddle = (nextUpdate: string) => makeOcsp(ca, [{ certificate: middle.certificate, nextUpdate }]);
    const [soon, late] = ["2026-12-05T00:00:00Z", "2026-12-25T00:00:00Z"];
    for (const ocsp of [
      [ofLeaf(soon), ofMiddle(late)],
      [ofLeaf(late), ofMiddle(soon)],
      [ofLeaf(late), ofLeaf(soon), ofMiddle(soon)],
    ]) {
      expect(await judge(ocsp, [], leaf.certificate, [middle, ca])).toBe(soon);
    }
  });

  it("T11: a delegate without ocsp-nocheck counts where its issuer's own word says that it is not revoked, not a delegate's", async () => {
    const asked = makeDelegate(ca, { extensions: [] });
    const aboutIt = (wanted: WantedOcsp = {}) => makeOcsp(ca, [{ certificate: asked.certificate }], wanted);
    expect(await judge([by(asked), aboutIt()])).toBe(until);
    expect(await judge([by(asked)], [makeCrl(sameName)])).toBe(unsaid);
    expect(await judge([by(asked), aboutIt({ signer: asked, certificates: [asked.certificate] })])).toBe(unsaid);
    expect(await judge([by(asked), aboutIt({ signer: delegate, certificates: [delegate.certificate] })])).toBe(unsaid);
    const old = makeOcsp(ca, [{ certificate: asked.certificate, ...past }]);
    expect(await judge([by(asked), old])).toBe(unsaid);
  });

  it("T11: a delegate that its issuer revoked answers nothing, with ocsp-nocheck too", async () => {
    const about = makeOcsp(ca, [{ certificate: delegate.certificate, status: "revoked" }]);
    expect(await judge([by(delegate), about])).toBe(revokedResponder);
    // An old list, which cannot answer for the certificate, revokes the delegate all the same.
    const revoked = [readCertificate(delegate.certificate).serial];
    const old = makeCrl(ca, { revoked, ...past });
    expect(await judge([by(delegate)], [old])).toBe("REVOCATION: one that answers until 2026-11-10T00:00:00Z");
    // Where a newer one answers for the certificate, the response is not needed.
    expect(await judge([by(delegate)], [makeCrl(ca, { revoked })])).toBe(until);
  });

  it("T11: name constraints above a delegate bind it", async () => {
    const excluded = der(0xa1, sequence(der(0xa4, sequence())));
    const narrow = issue(ca, {
      name: "narrow",
      ca: true,
      extensions: [{ oid: oid.nameConstraints, critical: true, value: sequence(excluded) }],
    });
    const leaf = issue(narrow, { name: "leaf" });
    const signer = makeDelegate(narrow);
    const response = makeOcsp(narrow, [{ certificate: leaf.certificate }], {
      signer,
      certificates: [signer.certificate],
    });
    expect(await judge([response], [makeCrl(ca)], leaf.certificate, [narrow, ca])).toMatch(/^REVOCATION: .*name/);
  });

  it("T11: whoever is asked after a certificate ended must say that it still knows of it: responder or list", async () => {
    const ended = issue(ca, { name: "ended", notAfter: "2026-11-24T00:00:00Z" }).certificate;
    const later = { thisUpdate: "2026-11-25T00:00:00Z" };
    const forgotten =
      "REVOCATION: one of 2026-11-25T00:00:00Z, after the certificate had ended, which may not name it any more";
    const since = (time: string) => generalizedTime(time);
    const response = (...extensions: readonly Uint8Array[]) =>
      makeOcsp(ca, [{ certificate: ended, ...later, extensions }]);
    const cutoff = (time: string) => ocspExtension(oid.archiveCutoff, since(time));
    expect(await judge([response()], [], ended)).toBe(forgotten);
    expect(await judge([response(cutoff("2026-11-24T00:00:01Z"))], [], ended)).toBe(forgotten);
    expect(await judge([response(cutoff("2026-11-24T00:00:00Z"))], [], ended)).toBe(until);
    expect(await judge([], [makeCrl(ca, later)], ended)).toBe(forgotten);
    const list = (time: string) =>
      makeCrl(ca, { ...later, extension: { oid: oid.expiredCertsOnCrl, critical: false, value: since(time) } });
    expect(await judge([], [list("2026-11-24T00:00:01Z")], ended)).toBe(forgotten);
    expect(await judge([], [list("2026-11-24T00:00:00Z")], ended)).toBe(until);
    const revoked = [readCertificate(ended).serial];
    expect(await judge([], [makeCrl(ca, { ...later, revoked })], ended)).toMatch(/^PATH-REVOKED/);
  });

  it("T11: no byte of one can be changed without being found, or changes nothing", async () => {
    const right = by(delegate);
    for (let place = 0; place < right.length; place += 3) {
      const changed = right.map((byte, index) => (index === place ? byte ^ 1 : byte));
      expect(await judge([changed]), `byte ${place}`).not.toBe(until);
    }
  });
});

/** What a request asks for is read back as it was asked, and only a certificate that has it answers. */

import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { objectIdentifier, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import {
  checkAnswers,
  verifyCertificateRequest,
  writeCertificateRequest,
} from "../../../manifests/x509/certificate-request.ts";
import { audit, issuer } from "../../bundle/people.ts";
import { type Extension, issue, type Wanted } from "../../pki/authority.ts";

const stamping = oid.timeStamping;
const emailProtection = "1.3.6.1.5.5.7.3.4";
const { subject } = readCertificate(audit.certificate);

async function asked(criticalUsage: boolean) {
  const { signingKey, spki, suite } = audit;
  const sign = (message: Uint8Array) => signingKey.sign(message);
  const wanted = { subject, spki, extendedKeyUsage: [stamping], criticalUsage, suite, sign };
  return verifyCertificateRequest(nodeHost, await writeCertificateRequest(wanted));
}

/** Of the same key and name. */
function answer(usages: readonly string[], critical: boolean): Uint8Array {
  const extension: Extension = {
    oid: oid.extendedKeyUsage,
    critical,
    value: sequence(...usages.map(objectIdentifier)),
  };
  const wanted: Wanted = { name: "Audit", key: audit.key, extensions: [extension] };
  return issue(issuer, wanted).certificate;
}

describe("a certificate request", () => {
  it.each([true, false])("KEY-REQUEST: says whether its usage must be critical: %s", async (criticalUsage) => {
    expect(await asked(criticalUsage)).toMatchObject({ criticalUsage, extendedKeyUsage: [stamping] });
  });

  it.each<[string, string, readonly string[], boolean, boolean]>([
    ["is taken", "critical and alone", [stamping], true, true],
    ["is refused", "not critical", [stamping], false, true],
    ["is refused", "beside another usage", [stamping, emailProtection], true, true],
    ["is taken", "beside another usage, where nothing was said", [stamping, emailProtection], false, false],
    ["is refused", "for something else", [emailProtection], true, true],
  ])("KEY-REQUEST: an answer %s: %s", async (taken, _what, usages, critical, criticalUsage) => {
    const request = await asked(criticalUsage);
    const check = () => checkAnswers(request, answer(usages, critical));
    if (taken === "is taken") expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: "KEY-REQUEST" }));
  });
});

/** A policy that asks for revocation data, and a list of the test root that came in on the stick. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { policyNow } from "../../ceremony/rehearse/every-ceremony.ts";
import type { Rehearsal } from "../../ceremony/rehearse/rehearsal.ts";
import type { RehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { asOperator, succeeded } from "../../demo/people.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { makeCrl } from "../pki/crl.ts";

/** `rules`: more of the policy. Gives the list, DER. */
export async function stageRevocation(
  rehearsal: Rehearsal,
  rules: { readonly [name: string]: Json } = {},
): Promise<Uint8Array> {
  const { paths, root, wanted } = rehearsal.made;
  await rehearsal.unlock();
  const { policy, ...common } = policyNow(rehearsal);
  const revocation = { maximumAgeSeconds: 7 * 86_400, roots: [wanted.root], stale: "refuse" };
  await rehearsal.hold("policy", "Policy: revocation data", { ...common, policy: { ...policy, ...rules, revocation } });
  const issuer = {
    key: root.key,
    subject: readCertificate(root.certificate).subject,
    suite: suiteOf("rsa-pkcs1-sha256"),
  };
  const now = Date.now();
  const list = makeCrl(issuer, { thisUpdate: utcOf(now - 60_000), nextUpdate: utcOf(now + 86_400_000) });
  const control = join(paths.stick, "coldseal/control/in");
  mkdirSync(control, { recursive: true });
  writeFileSync(join(control, "root.crl"), list);
  await importControl(rehearsal.made);
  return list;
}

/** An operator has the box take what lies in control/in; gives what was printed. */
export async function importControl({ paths }: Pick<RehearsedBox, "paths">): Promise<string> {
  const [op1] = paths.operators as [OperatorPaths];
  return succeeded(await asOperator(op1, ["import"]), "import").stdout;
}

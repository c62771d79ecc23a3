/** What goes out to the CA, and the end of the first sitting. */

import { join } from "node:path";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { oid, ownOids } from "../../../manifests/encoding/oid.ts";
import { pemText } from "../../../manifests/encoding/pem.ts";
import { type KeyPurpose, usageOf } from "../../../manifests/records/key-purpose.ts";
import {
  simpleName,
  verifyCertificateRequest,
  writeCertificateRequest,
} from "../../../manifests/x509/certificate-request.ts";
import type { CeremonyFile } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { boxSigner, withBoxToken } from "../box-token.ts";
import { boxLayout } from "../layout.ts";
import { witnessOf } from "./begin.ts";
import type { TokenParameters } from "./parameters.ts";
import { genesisPin } from "./shares.ts";
import { keyOf } from "./token.ts";

export const requestedKeys = ["audit", "sealing"] as const;
export type RequestedKey = (typeof requestedKeys)[number];

/** Path of a certificate request on the medium. */
export function requestPath(stick: string, { archive }: Pick<CeremonyFile, "archive">, key: RequestedKey): string {
  return join(stick, "coldseal/control/out", `${archive}-${key}.csr`);
}

/** What is asked for: name and extended key usages. */
export function requestProfile(
  { arc, organization }: Pick<TokenParameters, "arc" | "organization">,
  appliance: string,
  key: KeyPurpose,
) {
  const signsDocuments = key === "sealing" || key === "emergency";
  return {
    subject: simpleName(organization, `${appliance} ${key}`),
    extendedKeyUsage: [usageOf(key, ownOids(arc)), ...(signsDocuments ? [oid.documentSigning] : [])],
    // RFC 3161 2.3
    criticalUsage: key === "time",
  };
}

export function requestsStep(parameters: TokenParameters, needs: readonly string[] = ["store"]): Step {
  return {
    id: "requests",
    title: "Write the certificate requests for the CA",
    acts: "the administrator",
    checks: "a witness",
    minutes: 3,
    script: [
      `A request (PKCS#10) for each of the two keys, signed by the key itself, goes to ${parameters.stick}, in coldseal/control/out.`,
      "The CA is told their digests by another way than the medium.",
    ],
    wayBack: "Try again.",
    needs,
    perform: async (stage) => {
      const facts: Record<string, string> = {};
      const { requests } = boxLayout(parameters.box);
      await makeFolder(requests);
      await makeFolder(join(parameters.stick, "coldseal/control/out"), 0o755);
      for (const key of requestedKeys) {
        const der = await requestFor(stage, parameters, key);
        await writeDurable(join(requests, `${key}.csr`), der);
        await writeDurable(requestPath(parameters.stick, stage.file, key), utf8(pemText(der, "CERTIFICATE REQUEST")));
        facts[`${key} request, SHA-256`] = hex(sha256(der));
      }
      return { people: [leaderOf(stage.file, stage.present()), witnessOf(stage)], facts };
    },
  };
}

export function closeStep(parameters: TokenParameters): Step {
  return {
    id: "close",
    title: "Close: the token is locked, everybody takes what is theirs",
    acts: "the administrator",
    checks: "all",
    minutes: 5,
    script: [
      "What is on the token is listed: two keys, and the objects of the box's record.",
      "The PIN is wiped from memory. Each holder leaves with the own share, each person with the own token.",
    ],
    wayBack: "Try again.",
    needs: ["requests"],
    perform: async (stage) => {
      const uri = stage.facts("token").uri as string;
      const pin = await genesisPin(stage, parameters);
      const keys = await withBoxToken(parameters.token, (process) => process.keys(uri, pin));
      stage.secrets.wipe();
      const leader = leaderOf(stage.file, stage.present());
      await stage.scene.confirm(leader, "Does every holder have the own share, and every person the own token?");
      return {
        people: [...stage.present()],
        facts: { "keys on the token": keys.map(({ label, id }) => `${label} (${id})`).join(", ") },
      };
    },
  };
}

async function requestFor(stage: Stage, parameters: TokenParameters, key: RequestedKey): Promise<Uint8Array> {
  const uri = stage.facts("token").uri as string;
  const made = keyOf(stage, `${key}-key`);
  const pin = await genesisPin(stage, parameters);
  const der = await withBoxToken(parameters.token, (process) => {
    const { suite, sign } = boxSigner(process, uri, pin, made);
    const profile = requestProfile(parameters, stage.file.appliance, key);
    return writeCertificateRequest({ ...profile, spki: made.spki, suite, sign });
  });
  await verifyCertificateRequest(nodeHost, der);
  return der;
}

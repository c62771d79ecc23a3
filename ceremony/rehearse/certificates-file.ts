/** The CA's part of a rehearsal, and the ceremony file of the second sitting. SIMULATED: the CA is a root key beside the people. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { fromBase64 } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { verifyCertificateRequest } from "../../manifests/x509/certificate-request.ts";
import { sharePath } from "../procedures/shares-of.ts";
import type { Issuer } from "../provision/certificate.ts";
import { certifyRequest } from "../provision/test-pki.ts";
import type { CastPerson } from "./cast.ts";
import { type GenesisWanted, genesisArchive } from "./genesis-file.ts";

/** Certifies what the genesis asked for, and writes `DIR/certificates.json`; gives the file's path. Refuses KEY-REQUEST. */
export async function writeCertificatesFile(
  dir: string,
  people: readonly CastPerson[],
  root: Issuer,
  to: GenesisWanted,
): Promise<string> {
  const chains = { audit: await certified(dir, root, to, "audit"), sealing: await certified(dir, root, to, "sealing") };
  const holders = people.filter(({ roles }) => roles.includes("officer")).map(({ id }) => id);
  const file = {
    appliance: to.appliance,
    archive: "R-002",
    ceremony: "certificates",
    parameters: {
      box: to.box,
      certificates: chains,
      genesis: `${genesisArchive}-genesis`,
      roots: [to.root],
      stick: to.stick,
      unlock: {
        shares: holders.map((person) => ({ file: sharePath(to.stick, genesisArchive, "unlock", person), person })),
        threshold: to.threshold,
      },
    },
    people,
    place: "rehearsal room",
    scheduled: utcOf(Date.now()),
    title: `Certificates of ${to.appliance} (rehearsal)`,
    type: "ceremony",
    version: 1,
    video: null,
  };
  const path = join(dir, "certificates.json");
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return path;
}

async function certified(
  dir: string,
  root: Issuer,
  { stick }: GenesisWanted,
  key: "audit" | "sealing",
): Promise<string[]> {
  const pem = await readFile(join(stick, "coldseal/control/out", `${genesisArchive}-${key}.csr`), "utf8");
  const request = await verifyCertificateRequest(nodeHost, fromBase64(pem.replace(/-----.*-----|\s/g, "")));
  const path = join(dir, `${key}.der`);
  await writeFile(path, certifyRequest(root, request));
  return [path];
}

/** Certificates of staged keys come in: each is held against the request that the box wrote. */

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readCertificateFile } from "../../../host/certificate-file.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { base64, hex } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { list, object, text } from "../../../manifests/encoding/shape.ts";
import { usageOf } from "../../../manifests/records/key-purpose.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { checkAnswers, verifyCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import { validatePath } from "../../../manifests/x509/path.ts";
import { type CeremonyFile, pathIn, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { boxLayout } from "../layout.ts";
import { boxKey, keyDigest } from "./box-key.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, type RunningBox, runningBox, runningMembers } from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  /** paths: the key's certificate, then its issuers without the root */
  certificates: list(text(4096), 1, 8),
  key: keyDigest,
  /** name of the request that the box kept: ARCHIVE-PURPOSE.csr; successor/PURPOSE.csr for the second token */
  request: text(100, { pattern: /^(?:successor\/)?[A-Za-z0-9][A-Za-z0-9._-]*\.csr$/ }),
  /** paths of the roots that the certificates must come from */
  roots: list(text(4096), 1, 8),
});

/** Refuses CEREMONY-FILE, CONFIG. */
export function certifyKey(file: CeremonyFile): Procedure {
  const { certificates, key, request, roots, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  const read = (paths: readonly string[]) => paths.map((path) => readCertificateFile(pathIn(file, path)));
  return aboutRunningBox(running, {
    name: "certify-key",
    purpose: "To bring in the certificate of a staged key, so that it is ready to be activated.",
    steps: [
      beforeStep(running),
      checkStep(running, { chain: () => read(certificates), roots: () => read(roots), key, request }),
      peopleStep(["before"]),
      orderStep(running, {
        kind: "certify-key",
        title: "Order the box to take the certificate",
        script: ["The box checks by itself that it is the key's, for its purpose, and valid now."],
        wayBack: "Send the certificate back to the CA, and pause.",
        needs: ["before", "people", "check"],
        what: async () => ({
          certificates: read(certificates).map(base64),
          spki: base64((await boxKey(running, key)).spki),
        }),
      }),
      statementStep(running),
    ],
  });
}

interface Certified {
  chain(): readonly Uint8Array[];
  roots(): readonly Uint8Array[];
  readonly key: string;
  readonly request: string;
}

function checkStep(running: RunningBox, { chain, roots, key, request }: Certified): Step {
  return {
    id: "check",
    title: "Check the certificate against what was asked for",
    acts: "the administrator",
    checks: "a witness",
    minutes: 3,
    script: [
      "It must be for the key, the name and the use that the box asked for, and lead to the root.",
      "The root's digest is compared with the paper of the CA.",
    ],
    wayBack: "Send the certificate back to the CA, and pause.",
    needs: ["before"],
    perform: async (stage) => {
      const { purpose } = await boxKey(running, key);
      const [leaf, ...intermediates] = chain();
      const asked = await verifyCertificateRequest(nodeHost, readRequest(running, request));
      if (hex(sha256(asked.spki)) !== key) {
        throw new Refusal("KEY-REQUEST", "the request that was kept is another key's", {
          expected: key,
          about: request,
        });
      }
      checkAnswers(asked, leaf as Uint8Array);
      await validatePath(nodeHost, {
        leaf: leaf as Uint8Array,
        intermediates,
        roots: roots(),
        at: stage.now(),
        revoked: new Set<string>(),
        extendedKeyUsage: usageOf(purpose, ownOids(running.box.arc)),
        minimumRsaBits: 2048,
      });
      const witness = witnessOf(stage);
      const shown = [];
      for (const root of roots()) {
        const digest = hex(sha256(root));
        await stage.scene.compare(witness, "root of the CA", digest);
        shown.push({ label: "root of the CA", digest, confirmedBy: [witness] });
      }
      return {
        people: [leaderOf(stage.file, stage.present()), witness],
        facts: { "certificate, SHA-256": hex(sha256(leaf as Uint8Array)), key, purpose },
        shown,
      };
    },
  };
}

function readRequest({ box }: RunningBox, name: string): Uint8Array {
  const second = name.startsWith("successor/");
  const { requests } = second ? boxLayout(box.layout.successor) : box.layout;
  const path = join(requests, basename(name));
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Refusal("KEY-REQUEST", "the request that the box wrote is not there", { expected: path, cause });
  }
}

/** Staging: the next key is generated in the token in force, recorded by the box, and a certificate is asked for. It seals nothing yet. */

import { join } from "node:path";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { base64, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { pemText } from "../../../manifests/encoding/pem.ts";
import { object, oneOf, text } from "../../../manifests/encoding/shape.ts";
import { type KeyPurpose, keyPurposes } from "../../../manifests/records/key-purpose.ts";
import { verifyCertificateRequest, writeCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { boxSigner, withBoxToken } from "../box-token.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { keyKinds } from "../genesis/parameters.ts";
import { requestProfile } from "../genesis/requests.ts";
import { generateUnrecorded } from "../genesis/sealing-key.ts";
import { keyFacts, keyOf } from "../genesis/token.ts";
import { holdersHere } from "../shares-of.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import {
  aboutRunningBox,
  pinInForce,
  type RunningBox,
  runningBox,
  runningMembers,
  sharesInForce,
} from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  kind: oneOf(keyKinds),
  organization: text(64),
  purpose: oneOf(keyPurposes),
});

interface Wanted {
  readonly kind: (typeof keyKinds)[number];
  readonly organization: string;
  readonly purpose: KeyPurpose;
}

/** Refuses CEREMONY-FILE, CONFIG. */
export function stageKey(file: CeremonyFile): Procedure {
  const { kind, organization, purpose, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  const wanted = { kind, organization, purpose };
  return aboutRunningBox(running, {
    name: "stage-key",
    purpose: `To make the next ${purpose} key ready: generated, recorded, and its certificate asked for.`,
    steps: [
      beforeStep(running),
      peopleStep(["before"]),
      generateStep(running, wanted),
      orderStep(running, {
        kind: "stage-key",
        title: "Order the box to record the key",
        script: ["The box knows the key from now on, and uses it for nothing until a policy names it."],
        wayBack: "Try again; a key that is not recorded is named at every unlock, and is not used.",
        needs: ["before", "people", "generate"],
        what: async (stage) => {
          const { spki, uri } = keyOf(stage, "generate");
          const { environment, module, uri: token } = (await sharesInForce(running)).token;
          return {
            kind,
            purpose,
            spki: base64(spki),
            token: { environment: { ...environment }, module, uri: token },
            uri,
          };
        },
      }),
      statementStep(running),
      requestStep(running, wanted),
    ],
  });
}

function generateStep(running: RunningBox, { kind, purpose }: Wanted): Step {
  return {
    id: "generate",
    title: `Generate the next ${purpose} key in the token`,
    acts: "holders of shares, the administrator",
    checks: "a witness",
    minutes: 5,
    script: [
      "The holders give their shares; the token takes the PIN that they make.",
      "The key pair is generated in the token: for signatures alone, sensitive, never extractable; its attributes are read back, and it signs a proof.",
    ],
    wayBack: "Try again. A key that an interruption left unrecorded is named, and is not used.",
    needs: ["before"],
    perform: async (stage) => {
      const shares = await sharesInForce(running);
      const pin = await pinInForce(stage, running);
      const { key, left } = await withBoxToken(shares.token, (process) =>
        generateUnrecorded(process, shares.token.uri, pin, kind, purpose),
      );
      const facts = left.length === 0 ? {} : { "keys of this purpose before": left.join(", ") };
      return {
        people: [...holdersHere(stage, shares.holders), witnessOf(stage)],
        facts: { ...keyFacts(key, kind), ...facts, "SHA-256": hex(sha256(key.spki)) },
      };
    },
  };
}

function requestStep(running: RunningBox, { organization, purpose }: Wanted): Step {
  return {
    id: "request",
    title: "Write the certificate request for the CA",
    acts: "the administrator",
    checks: "a witness",
    minutes: 3,
    script: [`A request (PKCS#10), signed by the key itself, goes to ${running.stick}, in coldseal/control/out.`],
    wayBack: "Try again.",
    needs: ["generate", "order"],
    perform: async (stage) => {
      const { token } = await sharesInForce(running);
      const pin = await pinInForce(stage, running);
      const key = keyOf(stage, "generate");
      const der = await withBoxToken(token, (process) => {
        const { suite, sign } = boxSigner(process, token.uri, pin, key);
        const profile = requestProfile({ arc: running.box.arc, organization }, stage.file.appliance, purpose);
        return writeCertificateRequest({ ...profile, spki: key.spki, suite, sign });
      });
      await verifyCertificateRequest(nodeHost, der);
      const name = `${stage.file.archive}-${purpose}.csr`;
      const out = join(running.stick, "coldseal/control/out");
      await makeFolder(out, 0o755);
      await makeFolder(running.box.layout.requests);
      await writeDurable(join(running.box.layout.requests, name), der);
      await writeDurable(join(out, name), utf8(pemText(der, "CERTIFICATE REQUEST")));
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { "request, SHA-256": hex(sha256(der)), written: name },
      };
    },
  };
}

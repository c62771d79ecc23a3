/** `seal-…-10k`: 2,000 documents of 10 KiB from authorised to released, through the whole box; `first-seal`: one small document. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import type { ProvisionOptions } from "../../ceremony/provision/provision.ts";
import { signOnToken } from "../../ceremony/provision/token-jobs.ts";
import { approve, succeeded } from "../../demo/people.ts";
import type { Slip } from "../../desk/slip.ts";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type WholeBox, wholeBox } from "../e2e/whole-box.ts";
import { timeOf } from "./box-times.ts";
import type { BenchCase, LimitName, Running } from "./case.ts";
import { durableFiles } from "./limits.ts";
import { bouncyCastle } from "./peers/bouncycastle.ts";
import { opensslLoop } from "./peers/openssl-loop.ts";
import { makePeerToken, type PeerKey } from "./peers/peer-token.ts";
import { compileRawSign } from "./peers/raw-sign.ts";
import { pinnedBytes, pinnedDocuments } from "./pinned-bytes.ts";
import { peakMiB } from "./process-memory.ts";

const count = 2000;
const bytes = 10 * 1024;
/** about what a seal has */
const sealBytes = 2500;

export const sealingCases: readonly BenchCase[] = [
  sealCase("seal-rsa3072-10k", "rsa-3072", { ratios: { "raw-1": 0.9, bouncycastle: 1.1 } }),
  sealCase("seal-rsa2048-10k", "rsa-2048", { ratios: { "raw-1": 0.85, bouncycastle: 1.2 } }),
  sealCase("seal-p256-10k", "p256", { ratios: { "openssl-loop": 20, bouncycastle: 1.3 } }),
];

const options: Readonly<Record<PeerKey, ProvisionOptions>> = {
  "rsa-3072": { profile: "rsa-pkcs1-sha256" },
  "rsa-2048": { profile: "rsa-pkcs1-sha256", rsaBits: 2048 },
  p256: { profile: "ecdsa-p256-sha256" },
};

function sealCase(name: string, kind: PeerKey, target: BenchCase["target"]): BenchCase {
  return { name, unit: "documents/s", target, setUp: (folder, missing) => setUp(folder, kind, missing) };
}

async function setUp(
  folder: string,
  kind: PeerKey,
  missing: (limit: LimitName, why: string) => void,
): Promise<Running> {
  const whole = await wholeBox(options[kind]);
  const peers = await peersOf(folder, whole, kind, missing);
  let run = 0;
  return {
    limits: peers.limits,
    async measure() {
      const batch = `run-${++run}`;
      await authorise(whole, await whole.bring(batch, pinnedDocuments(batch, count, bytes)));
      const released = await timeOf(whole, batch, "released");
      const seconds = (released - (await timeOf(whole, batch, "authorised"))) / 1000;
      const { signer, daemon } = whole.box.pids();
      return { value: count / seconds, rssMiB: peakMiB([signer, daemon]) };
    },
    async end() {
      peers.end();
      await whole.end();
    },
  };
}

async function peersOf(
  folder: string,
  whole: WholeBox,
  kind: PeerKey,
  missing: (limit: LimitName, why: string) => void,
): Promise<{ readonly limits: Running["limits"]; end(): void }> {
  for (const [at, document] of Object.values(pinnedDocuments("peers", count, bytes)).entries()) {
    writeFileSync(join(folder, `d${at}`), document);
  }
  const token = await makePeerToken(folder, kind);
  const ends: (() => void)[] = [() => token.soft.remove()];
  const limits: { [limit in LimitName]?: () => Promise<number> } = {};
  const attempt = (names: readonly LimitName[], make: () => void) => {
    try {
      make();
    } catch (fault) {
      for (const name of names) missing(name, (fault as Error).message.split("\n")[0] ?? "");
    }
  };
  attempt(["raw-1", "raw-2"], () => {
    const raw = compileRawSign(folder, whole.paths, kind === "p256" ? "ecdsa" : "rsa");
    limits["raw-1"] = () => raw(1);
    limits["raw-2"] = () => raw(2);
  });
  attempt(["openssl-loop"], () => {
    const loop = opensslLoop(folder, token);
    limits["openssl-loop"] = async () => loop();
  });
  attempt(["bouncycastle"], () => {
    const peer = bouncyCastle(folder, token, kind, count);
    ends.push(() => peer.end());
    limits.bouncycastle = () => peer.measure();
  });
  let run = 0;
  limits["durable-files"] = async () => {
    const inner = join(folder, `durable-${++run}`);
    mkdirSync(inner);
    return durableFiles(inner, count, sealBytes);
  };
  return { limits, end: () => ends.forEach((end) => void end()) };
}

/** Both operators approve, with the slip in hand; sealing starts at once. */
export async function authorise(whole: WholeBox, slip: Slip): Promise<void> {
  const [op1, op2] = whole.paths.operators as readonly [OperatorPaths, OperatorPaths];
  await whole.until(slip.folder, "waiting-for-approval");
  succeeded(await approve(op1, slip), "approve");
  succeeded(await approve(op2, slip), "approve");
}

/** From the moment at which the second approval is handed to the daemon until the batch is released. */
export const firstSeal: BenchCase = {
  name: "first-seal",
  unit: "ms",
  target: { value: 150 },
  async setUp() {
    const whole = await wholeBox(options.p256);
    const [op1, op2] = whole.paths.operators as readonly [OperatorPaths, OperatorPaths];
    let run = 0;
    return {
      limits: {},
      async measure() {
        const batch = `first-${++run}`;
        const slip = await whole.bring(batch, { "document.bin": pinnedBytes(batch, 1000) });
        await whole.until(batch, "waiting-for-approval");
        succeeded(await approve(op1, slip), "approve");
        const approval = await signedApproval(whole, batch, op2);
        const begun = Date.now();
        await whole.daemon.decide("approve", batch, approval);
        const value = (await timeOf(whole, batch, "released")) - begun;
        const { signer, daemon } = whole.box.pids();
        return { value, rssMiB: peakMiB([signer, daemon]) };
      },
      end: () => whole.end(),
    };
  },
};

/** As the ceremony CLI signs it; the CLI's own start is not what is measured. */
async function signedApproval(whole: WholeBox, batch: string, operator: OperatorPaths): Promise<Uint8Array> {
  const { challenge } = await whole.daemon.open(batch);
  const { token, key, certificate } = JSON.parse(readFileSync(operator.operatorJson, "utf8")) as {
    readonly token: { module: string; environment: { SOFTHSM2_CONF: string }; uri: string };
    readonly key: { readonly uri: string };
    readonly certificate: string;
  };
  const der = readCertificateFile(certificate);
  const suite = suiteOf("ecdsa-p256-sha256");
  const { module, environment, uri } = token;
  const spki = readCertificate(der).spki.toBase64();
  const signing = {
    suite,
    certificate: der,
    sign: (message: Uint8Array) =>
      signOnToken({
        place: { module, environment },
        token: uri,
        pin: readFileSync(operator.pin, "utf8"),
        key: { uri: key.uri, spki },
        suite: suite.name,
        message: message.toBase64(),
      }),
  };
  const eContentType = ownOids(documentationArc).authorization;
  return signContent(nodeHost, signing, { eContentType, content: utf8(challenge), signingTime: utcOf(Date.now()) });
}

/**
 * Makes a complete TEST box below one folder: software tokens, a test PKI, a genesis policy signed by all operators,
 * the signer's store and every configuration file. Nothing of it is fit for production: mode is test, the keys lie in
 * SoftHSM's files, the counter is simulated.
 */

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import { type SuiteName, suiteOf } from "../../manifests/cms/suite.ts";
import { fromBase64, hex } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import type { LedgerRules } from "../../manifests/records/policy-ledger.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Issuer } from "./certificate.ts";
import { createStore } from "./create-store.ts";
import { genesisContent, signGenesis } from "./genesis.ts";
import { type BoxPaths, boxPaths, makeFolders, writeSecret } from "./layout.ts";
import { pkcs12 } from "./pkcs12.ts";
import { writeDaemonSettings, writeLauncherSettings, writeOperatorSettings, writeSignerSettings } from "./settings.ts";
import { makeSoftToken, type SoftToken } from "./soft-token.ts";
import { certify, makeRoot, pem } from "./test-pki.ts";
import { type KeyKind, signOnToken } from "./token-jobs.ts";

export const profiles = ["rsa-pkcs1-sha256", "rsa-pss-sha256", "ecdsa-p256-sha256", "ecdsa-p384-sha384"] as const;
export type Profile = (typeof profiles)[number];

export interface ProvisionOptions {
  /** how documents are sealed; rsa-pkcs1-sha256 unless said */
  readonly profile?: Profile;
  /** 3 unless said */
  readonly operators?: number;
  /** approvals that a batch needs, also those that a new policy needs; 2 unless said */
  readonly threshold?: number;
  /** bits of an RSA sealing key, and the least that the policy takes; 3072 unless said */
  readonly rsaBits?: 2048 | 3072;
  readonly audit?: "p256" | "rsa-3072";
  readonly appliance?: string;
  /** folders that stand in for the sticks; below `dir` unless said */
  readonly media?: string;
  readonly keeper?: string;
  /** take plain envelopes up to so many seconds old, and make a key and certificate for them */
  readonly plainEnvelopes?: number | undefined;
  /** the ledger whose acknowledgements count; its certificate may be one by the test root, which has nothing to say of it: the policy pins it as it is */
  readonly ledger?: (root: Issuer) => Promise<LedgerRules>;
  readonly settleSeconds?: number;
  readonly incompleteSeconds?: number;
  readonly scanSeconds?: number;
  readonly limits?: { readonly documents?: number; readonly documentBytes?: number; readonly batchBytes?: number };
  /** told what is being done now, in a line */
  readonly onStep?: (step: string) => void;
}

const oids = ownOids(documentationArc);

/**
 * Makes the box in `dir`, a new or empty folder, and returns where everything lies. Refuses with USAGE (options, folder
 * not empty) and HSM-* codes; what was made until then stays there to look at.
 */
export async function provision(dir: string, options: ProvisionOptions = {}): Promise<BoxPaths> {
  const { operators = 3, threshold = 2, appliance = "test-box" } = options;
  if (threshold < 1 || threshold > operators || operators > 32) {
    throw new Refusal("USAGE", "the threshold must be from 1 to the number of operators", {
      expected: "1 to 32 operators, and a threshold of at most as many",
      got: `${operators} operators, threshold ${threshold}`,
    });
  }
  const step = options.onStep ?? (() => undefined);
  const paths = await boxPaths(dir, operators, "", options.media, options.keeper);
  await makeFolders(paths);
  step(`making ${operators + 1} software tokens and their keys`);
  const [box, ...people] = await makeTokens(paths, options);
  step("certifying the keys under a test root");
  const pki = await makePki(paths, box, people);
  if (options.plainEnvelopes !== undefined) await makePlainSubmitter(paths, pki.root);
  step("signing the genesis policy with every operator's token");
  const ledger = await options.ledger?.(pki.root);
  const content = genesisContent({ ...genesisFacts(pki, box, options, threshold, appliance), ledger });
  const made: BoxPaths = { ...paths, genesis: hex(sha256(content)) };
  await writeGenesis(made, content, await signGenesis(content, operatorKeys(people, pki.operators)));
  step("writing the configuration and creating the signer's store");
  await writeAllSettings(made, appliance, box, people, options);
  await createStore(made, box.pin);
  await writeFile(join(made.dir, "box.json"), `${JSON.stringify(made, null, 2)}\n`, { flag: "wx" });
  return made;
}

async function makeTokens(paths: BoxPaths, options: ProvisionOptions): Promise<[SoftToken, ...SoftToken[]]> {
  const boxKeys = [
    { label: "sealing", kind: sealingKind(suiteName(options), options.rsaBits ?? 3072) },
    { label: "audit", kind: options.audit ?? "p256" },
  ];
  const box = makeSoftToken(paths.box.folder, `coldseal-${options.appliance ?? "test-box"}`, boxKeys, "long");
  const people = paths.operators.map(({ folder, person }) =>
    makeSoftToken(folder, person, [{ label: "approval", kind: "p256" }], "digits"),
  );
  return Promise.all([box, ...people]);
}

interface Pki {
  readonly root: Issuer;
  readonly operators: readonly Uint8Array[];
  readonly submitter: Uint8Array;
}

export const submitterName = "Contracts desk (test)";

async function makePki(paths: BoxPaths, box: SoftToken, people: readonly SoftToken[]): Promise<Pki> {
  const root = makeRoot();
  await writeFile(paths.pki.root, pem("CERTIFICATE", root.certificate));
  await writeSecret(paths.pki.rootKey, root.key.export({ type: "pkcs8", format: "pem" }));
  const issue = async (name: string, role: "sealing" | "audit" | "operator", common: string, spki: string) => {
    const der = certify(root, oids, role, common, fromBase64(spki));
    await writeFile(certificatePath(paths, name), der);
    return der;
  };
  await issue("sealing", "sealing", "Test sealing key", box.keys[0]?.spki ?? "");
  await issue("audit", "audit", "Test audit key", box.keys[1]?.spki ?? "");
  const operators = await Promise.all(
    people.map((one, at) => issue(`op${at + 1}`, "operator", `Operator ${at + 1} (test)`, one.keys[0]?.spki ?? "")),
  );
  return { root, operators, submitter: await makeSubmitter(paths, root) };
}

/** The submitter's key lives in PKCS#12, as desks have it; gives the certificate. */
export async function makeSubmitter(paths: BoxPaths, root: Issuer): Promise<Uint8Array> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const certificate = certify(root, oids, "submitter", submitterName, spki);
  const password = randomBytes(18).toString("base64url");
  await writeFile(paths.pki.submitter, pem("CERTIFICATE", certificate));
  await writeSecret(paths.pki.submitterPassword, password);
  await writeSecret(
    paths.pki.submitterP12,
    pkcs12(privateKey, [certificate, root.certificate], submitterName, password),
  );
  return certificate;
}

/** The key that signs plain envelopes lies in PEM, as OpenSSL, certtool and gpgsm take it. */
export async function makePlainSubmitter(paths: BoxPaths, root: Issuer): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const certificate = certify(root, oids, "plainSubmitter", "Plain envelopes desk (test)", spki);
  await writeFile(paths.pki.plainSubmitter, pem("CERTIFICATE", certificate));
  await writeSecret(paths.pki.plainSubmitterKey, privateKey.export({ type: "pkcs8", format: "pem" }));
}

function genesisFacts(pki: Pki, box: SoftToken, options: ProvisionOptions, threshold: number, appliance: string) {
  const { documents = 100_000, documentBytes = 2 ** 33, batchBytes = 2 ** 36 } = options.limits ?? {};
  return {
    appliance,
    suite: suiteName(options),
    threshold,
    operators: pki.operators.map((certificate, at) => ({ person: `op${at + 1}`, certificate })),
    submitter: { name: submitterName, certificate: pki.submitter },
    root: pki.root.certificate,
    keys: { sealing: fromBase64(box.keys[0]?.spki ?? ""), audit: fromBase64(box.keys[1]?.spki ?? "") },
    plainEnvelopes: options.plainEnvelopes,
    limits: { documents, documentBytes, batchBytes, minimumRsaBits: options.rsaBits ?? 3072 },
  };
}

/** Each operator's key signs in a process of its own. */
function operatorKeys(people: readonly SoftToken[], certificates: readonly Uint8Array[]): SigningKey[] {
  const suite = suiteOf("ecdsa-p256-sha256");
  return people.map(({ place, uri, pin, keys }, at) => ({
    suite,
    certificate: certificates[at] as Uint8Array,
    sign: (message) =>
      signOnToken({
        place,
        token: uri,
        pin,
        key: keys[0] ?? { uri: "", spki: "" },
        suite: suite.name,
        message: message.toBase64(),
      }),
  }));
}

/** The signed policy and its digest, where people look for them. */
export async function writeGenesis(paths: BoxPaths, content: Uint8Array, signed: Uint8Array): Promise<void> {
  await writeFile(paths.pki.genesisPolicy, signed);
  const words = wordGroups(sha256(content)).map((group, at) => `${String(at + 1).padStart(2)} ${group}`);
  await writeFile(paths.pki.genesisDigest, `${paths.genesis}\n${words.join("\n")}\n`);
}

async function writeAllSettings(
  paths: BoxPaths,
  appliance: string,
  box: SoftToken,
  people: readonly SoftToken[],
  options: ProvisionOptions,
): Promise<void> {
  const key = (name: string, at: number) => ({
    uri: box.keys[at]?.uri ?? "",
    spki: box.keys[at]?.spki ?? "",
    certificates: [certificatePath(paths, name)],
  });
  await writeSignerSettings(paths, appliance, box, { sealing: key("sealing", 0), audit: key("audit", 1) });
  const { settleSeconds = 2, incompleteSeconds = 600, scanSeconds = 1 } = options;
  await writeDaemonSettings(paths, appliance, { settleSeconds, incompleteSeconds, scanSeconds });
  await writeLauncherSettings(paths);
  for (const [at, token] of people.entries()) {
    await writeOperatorSettings(paths, `op${at + 1}`, token, certificatePath(paths, `op${at + 1}`));
  }
}

function certificatePath(paths: BoxPaths, name: string): string {
  return join(paths.pki.folder, `${name}.der`);
}

function suiteName(options: ProvisionOptions): SuiteName {
  return options.profile ?? "rsa-pkcs1-sha256";
}

/** The kind of key that seals with a suite. */
export function sealingKind(suite: SuiteName, rsaBits: 2048 | 3072): KeyKind {
  if (suite.startsWith("rsa")) return `rsa-${rsaBits}`;
  return suite === "ecdsa-p384-sha384" ? "p384" : "p256";
}

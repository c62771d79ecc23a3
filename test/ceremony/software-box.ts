/** A box's answers made in software: a policy, a request, a challenge, a token without hardware, a person who types. */

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { type Daemon, nothingSigned, type OperatorToken, type Sitting } from "../../ceremony/ports.ts";
import { genesisContent } from "../../ceremony/provision/genesis.ts";
import { certify, makeRoot } from "../../ceremony/provision/test-pki.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { plain } from "../../host/terminal/style.ts";
import { type SigningKey, signContent } from "../../manifests/cms/sign.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { concat, fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { type Challenge, challengeBytes } from "../../manifests/records/decision.ts";
import type { ListedDocument } from "../../manifests/records/request.ts";
import { requestBytes } from "../../manifests/records/request-stream.ts";
import { Refusal, type RefusalCode } from "../../manifests/refusal.ts";

export const now = utcOf(Date.now());
/** So many seconds after now, before with a minus. */
export const fromNow = (seconds: number) => utcOf(Date.parse(now) + seconds * 1000);
export const rightPin = "4711";
const oids = ownOids(documentationArc);
const root = makeRoot();

interface SoftwareKey {
  readonly privateKey: KeyObject;
  readonly certificate: Uint8Array;
}

function softwareKey(role: "operator" | "submitter", name: string): SoftwareKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  return { privateKey, certificate: certify(root, oids, role, name, spki) };
}

export function signingKey({ privateKey, certificate }: SoftwareKey): SigningKey {
  const suite = suiteOf("ecdsa-p256-sha256");
  return {
    suite,
    certificate,
    sign: async (message) => new Uint8Array(sign("sha256", message, { key: privateKey, dsaEncoding: "der" })),
  };
}

export const operators = ["op1", "op2", "op3"].map((person) => ({ person, ...softwareKey("operator", person) }));
export const stranger = softwareKey("operator", "stranger");
const submitter = softwareKey("submitter", "Contracts desk");

const policyContent = genesisContent({
  appliance: "test-box",
  suite: "rsa-pkcs1-sha256",
  threshold: 2,
  operators,
  submitter: { name: "Contracts desk", certificate: submitter.certificate },
  root: root.certificate,
  keys: { sealing: Uint8Array.of(1), audit: Uint8Array.of(2) },
  limits: { documents: 1000, documentBytes: 2 ** 30, batchBytes: 2 ** 31, minimumRsaBits: 3072 },
});

const documents: ListedDocument[] = ["a.pdf", "b (final).txt", "Übersicht.pdf"].map((name, at) => ({
  name,
  size: 1000 * (at + 1),
  digest: hex(sha256(Uint8Array.of(at))),
}));

/** The request's canonical bytes; `purpose` makes another one. */
export function request(purpose = "Q4 supplier contracts"): Uint8Array {
  const head = {
    batch: "2026-11-23-contracts",
    digestAlgorithm: "sha256",
    expires: fromNow(86_400),
    mode: "test",
    purpose,
    type: "batch-request",
    version: 1,
  } as const;
  return concat([...requestBytes(head, documents)]);
}

export function challengeFor(content: Uint8Array, change: Partial<Challenge> = {}): Challenge {
  return {
    appliance: "test-box",
    batchDigest: hex(sha256(content)),
    bytes: 6000,
    count: 3,
    expires: fromNow(3600),
    mode: "test",
    nonce: "5a".repeat(32),
    policyDigest: hex(sha256(policyContent)),
    type: "authorization",
    version: 1,
    ...change,
  };
}

/** What the person at the terminal will see asked for: the words of the digest. */
export const wordsOf = (content: Uint8Array) => wordGroups(sha256(content));

export interface Lies {
  /** the request in batch.p7m; the challenge stays about the true one */
  readonly request?: Uint8Array;
  readonly challenge?: Partial<Challenge>;
  readonly policy?: string;
  readonly signedBy?: SigningKey;
  readonly approvals?: readonly { readonly person: string; readonly signed: string }[];
}

/** A daemon that answers from memory, and remembers what it was sent. */
export async function fakeDaemon(lies: Lies = {}) {
  const content = request();
  const challenge = challengeFor(content, lies.challenge);
  const envelope = await signContent(nodeHost, lies.signedBy ?? signingKey(submitter), {
    eContentType: oids.request,
    content: lies.request ?? content,
    signingTime: now,
  });
  const row: BatchRow = {
    folder: "2026-11-23-contracts",
    batchDigest: hex(sha256(content)),
    batch: "2026-11-23-contracts",
    bytes: 6000,
    count: 3,
    expires: challenge.expires,
    mode: "test",
    number: null,
    progress: null,
    purpose: "p",
    refusal: null,
    state: "waiting-for-approval",
    submitter: "Contracts desk",
    approvals: lies.approvals ?? [],
    needed: 2,
    waiting: "waiting for approvals",
  };
  const { approvals, needed } = row;
  const sent: { method: string; body: Uint8Array }[] = [];
  const daemon: Pick<Daemon, "list" | "open" | "decide"> = {
    list: async () => [row],
    open: async () => ({
      approvals,
      challenge: fromUtf8(challengeBytes(challenge)),
      policy: lies.policy ?? fromUtf8(policyContent),
      listed: row,
      needed: 2,
      batchFile: envelope,
    }),
    decide: async (method, _batch, body) => {
      sent.push({ method, body });
      const all = [...approvals, { person: "op2", signed: now }];
      return { state: all.length >= 2 ? "sealing" : "waiting-for-approval", approvals: all, needed: needed ?? 2 };
    },
  };
  return { daemon: daemon as Daemon, sent, content, challenge };
}

/** A token in software that counts its logins. */
export function fakeToken(key: SoftwareKey, label: string): OperatorToken & { logins: number } {
  return {
    label,
    serial: "6f2c",
    certificate: key.certificate,
    logins: 0,
    check: async () => undefined,
    async login(pin) {
      this.logins += 1;
      if (Buffer.from(pin).toString() !== rightPin) throw new Refusal("PIN-WRONG", "the token did not take the PIN");
      return signingKey(key);
    },
    close: async () => undefined,
  };
}

const unused = async () => {
  throw new Error("not part of this test");
};
const noSigner = {
  status: unused,
  unlock: unused,
  wrapped: unused,
  lock: unused,
  standing: unused,
  order: unused,
  journal: unused,
  verifyJournal: unused,
};

/** A sitting whose person answers questions by `answer`; everything said is kept. */
export function fakeSitting(
  person: string,
  daemon: Daemon,
  token: OperatorToken,
  answer: (question: string) => string,
) {
  const said: string[] = [];
  const asked: string[] = [];
  const documents: Json[] = [];
  const ask = (question: string) => {
    asked.push(question);
    return answer(question);
  };
  const sitting: Sitting = {
    person,
    daemon,
    signer: noSigner,
    token,
    prompter: {
      interactive: true,
      open: () => undefined,
      line: async (question) => ask(question),
      secret: async (question) => Buffer.from(ask(question)),
      close: () => undefined,
    },
    output: {
      json: true,
      style: plain,
      say: (...lines) => void said.push(...lines),
      document: (value) => void documents.push(value),
      progress: () => ({ show: () => undefined, end: () => undefined }),
    },
    pinDescriptor: undefined,
    now: () => now,
    consequence: nothingSigned,
  };
  return { sitting, said, asked, documents, text: () => said.join("\n") };
}

/** A person with the right slip and the right PIN, unless `but` answers otherwise. */
export function rightAnswers(content: Uint8Array, but: (question: string) => string | undefined = () => undefined) {
  return (question: string): string => {
    const other = but(question);
    if (other !== undefined) return other;
    const group = /group ([0-9]+)/.exec(question);
    if (group) return wordsOf(content)[Number(group[1]) - 1] ?? "";
    if (question.includes("PIN")) return rightPin;
    return "Yes";
  };
}

export async function codeOf(work: Promise<unknown>): Promise<RefusalCode | "none"> {
  try {
    await work;
    return "none";
  } catch (fault) {
    if (fault instanceof Refusal) return fault.code;
    throw fault;
  }
}

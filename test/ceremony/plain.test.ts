import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { approve } from "../../ceremony/approve.ts";
import type { Daemon } from "../../ceremony/ports.ts";
import { genesisContent } from "../../ceremony/provision/genesis.ts";
import { certify, makeRoot } from "../../ceremony/provision/test-pki.ts";
import { show } from "../../ceremony/show.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { fromUtf8, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { type Challenge, challengeBytes } from "../../manifests/records/decision.ts";
import type { Issued } from "../pki/authority.ts";
import { type BroughtDocument, broughtBy, envelopeParts, withoutContent } from "../pki/plain.ts";
import { codeOf, fakeSitting, fakeToken, fromNow, now, operators, rightPin, signingKey } from "./software-box.ts";

const oids = ownOids(documentationArc);
const root = makeRoot();

function plainSubmitter(role: "plainSubmitter" | "submitter", name: string): Issued {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const certificate = certify(root, oids, role, name, spki);
  const key = signingKey({ privateKey, certificate });
  return { certificate, key: privateKey, suite: key.suite, signingKey: key, subject: new Uint8Array(), spki };
}

const desk = plainSubmitter("plainSubmitter", "Plain desk");
const op2 = operators[1] as (typeof operators)[number];
const policy = genesisContent({
  appliance: "test-box",
  suite: "rsa-pkcs1-sha256",
  threshold: 2,
  operators,
  submitter: { name: "Contracts desk", certificate: plainSubmitter("submitter", "Contracts desk").certificate },
  root: root.certificate,
  keys: { sealing: Uint8Array.of(1), audit: Uint8Array.of(2) },
  limits: { documents: 1000, documentBytes: 2 ** 30, batchBytes: 2 ** 31, minimumRsaBits: 2048 },
  plainEnvelopes: 3600,
});

const documents: readonly BroughtDocument[] = ["a.txt", "b.txt", "c.txt"].map((name) => ({
  content: name,
  file: `${name}.p7m`,
  over: { signingTime: fromNow(-60) },
}));

function digestOf(list: readonly BroughtDocument[]): string {
  const digested = list.map(({ content }) => ({ digest: hex(sha256(utf8(`${content}`))), size: content.length }));
  return hex(sha256(utf8(canonical({ documents: digested, submitter: hex(sha256(desk.spki)) }))));
}

/** The first document, whose signature was changed in its last byte. */
const broken = await changed(documents[0] as BroughtDocument);

async function changed(document: BroughtDocument): Promise<BroughtDocument> {
  const envelope = withoutContent(await envelopeParts(desk, document.content, document.over));
  envelope[envelope.length - 1] = (envelope.at(-1) as number) ^ 1;
  return { ...document, envelope };
}

interface Lies {
  readonly envelopes?: readonly BroughtDocument[];
  readonly signer?: Issued;
  readonly challenge?: Partial<Challenge>;
}

/** A daemon that gives the challenge of the three documents, and whatever envelopes a test wants. */
async function plainDaemon({ envelopes = documents, signer = desk, challenge: change }: Lies = {}) {
  const challenge: Challenge = {
    appliance: "test-box",
    batchDigest: digestOf(documents),
    bytes: 15,
    count: 3,
    expires: fromNow(3000),
    mode: "test",
    nonce: "5a".repeat(32),
    policyDigest: hex(sha256(policy)),
    type: "authorization",
    version: 1,
    ...change,
  };
  const row: BatchRow = {
    ...{
      folder: "plain",
      batchDigest: challenge.batchDigest,
      batch: null,
      bytes: 15,
      count: 3,
      expires: challenge.expires,
    },
    ...{ kind: "plain-envelopes", mode: "test", number: null, progress: null, purpose: null, refusal: null },
    ...{ state: "waiting-for-approval", submitter: "Plain desk", approvals: [], needed: 2, waiting: "waiting" },
  };
  const lines = await broughtBy(signer, envelopes);
  const sent: string[] = [];
  const daemon: Pick<Daemon, "list" | "open" | "envelopes" | "decide"> = {
    list: async () => [row],
    open: async () => ({
      ...{ approvals: [], challenge: fromUtf8(challengeBytes(challenge)), kind: "plain-envelopes" as const },
      ...{ policy: fromUtf8(policy), listed: row, needed: 2, batchFile: new Uint8Array(0) },
    }),
    envelopes: async function* () {
      for (let at = 0; at < lines.length; at += 1000) yield lines.subarray(at, at + 1000);
    },
    decide: async (method) => {
      sent.push(method);
      return { state: "waiting-for-approval", approvals: [{ person: "op2", signed: now }], needed: 2 };
    },
  };
  return { daemon: daemon as Daemon, sent };
}

const typing = (count: string) => (question: string) =>
  question.includes("count") ? count : question.includes("PIN") ? rightPin : "Yes";

async function approving(lies: Lies = {}, count = "3") {
  const { daemon, sent } = await plainDaemon(lies);
  const sitting = fakeSitting("op2", daemon, fakeToken(op2, "op2"), typing(count));
  return { ...sitting, sent, done: approve(sitting.sitting, ["plain"], { watch: false }) };
}

describe("approving plain envelopes", () => {
  it("UX3: the exact count and Yes approve; nothing of a slip is asked for; it says what nobody signed", async () => {
    const { done, asked, text, sent } = await approving();
    await done;
    expect(sent).toEqual(["approve"]);
    expect(asked.slice(0, 2)).toEqual([
      "Type the exact count of documents: ",
      expect.stringMatching(/^Type Yes to approve as op2/),
    ]);
    expect(text()).toContain("PLAIN ENVELOPES: nobody signed what they are together.");
    expect(text()).toContain("3 documents, together 15 bytes");
    expect(text()).toMatch(/Nobody\s+signed how many there are/);
    expect(text()).not.toContain("______");
  });

  it.each(["2", "03", "3.0", "three", "", "Yes"])(
    "UX3: %j is not the count: DOCUMENT-COUNT, nothing signed",
    async (typed) => {
      const { done, sent } = await approving({}, typed);
      expect(await codeOf(done)).toBe("DOCUMENT-COUNT");
      expect(sent).toEqual([]);
    },
  );

  it.each<[string, string, Lies]>([
    ["one is left out", "SAME-BYTES", { envelopes: documents.slice(1) }],
    [
      "one is another",
      "SAME-BYTES",
      { envelopes: [...documents.slice(1), { ...documents[0], file: "d.p7m" } as BroughtDocument] },
    ],
    [
      "one too many",
      "MEDIA-LIMIT",
      { envelopes: [...documents, { ...documents[0], file: "d.p7m" } as BroughtDocument] },
    ],
    ["a size is another", "SAME-BYTES", { envelopes: documents.map((one) => ({ ...one, size: 6 })) }],
    ["an envelope's signature does not hold", "CMS-SIGNATURE", { envelopes: [broken, ...documents.slice(1)] }],
    ["a submitter whom the policy does not take", "PATH-USAGE", { signer: plainSubmitter("submitter", "Plain desk") }],
    ["the challenge says another count", "CHALLENGE-MATCH", { challenge: { count: 4 } }],
    ["the challenge says another sum", "CHALLENGE-MATCH", { challenge: { bytes: 16 } }],
    ["none at all", "SHAPE", { envelopes: [] }],
  ])("SAME-BYTES: the daemon lies, %s: %s, before anything is asked", async (_, code, lies) => {
    const { done, asked, sent } = await approving(lies);
    expect(await codeOf(done)).toBe(code);
    expect({ asked, sent }).toEqual({ asked: [], sent: [] });
  });

  it("SAME-BYTES: show --json tells every document by its verified digest", async () => {
    const { daemon } = await plainDaemon();
    const { sitting, documents: shown } = fakeSitting("op2", daemon, fakeToken(op2, "op2"), () => "");
    await show(sitting, "plain", false);
    expect(shown[0]).toMatchObject({
      documents: documents.map(({ content }) => ({ digest: hex(sha256(utf8(`${content}`))), size: 5 })),
      groupsAsked: [],
      kind: "plain-envelopes",
    });
  });
});

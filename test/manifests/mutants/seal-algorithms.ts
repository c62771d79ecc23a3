/** Seals by algorithms and keys that are not allowed, or that disagree (T9, T10). */

import { generateKeyPairSync } from "node:crypto";
import { digestOf } from "../../../host/crypto-host.ts";
import { certificateAlgorithm, digestAlgorithm, signatureAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { content, readElement } from "../../../manifests/encoding/der-read.ts";
import {
  der,
  derNull,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { attribute, type Forged } from "../../bundle/forge.ts";
import { issuer, oids, sealing } from "../../bundle/people.ts";
import { type Issued, issue } from "../../pki/authority.ts";
import { newKey, signWith } from "../../pki/keys.ts";
import { type Change, type Mutant, sealFile } from "./mutant.ts";
import { halves, orderOfP256, type PssChoice, pssSignature, signatureBy } from "./odd-signatures.ts";
import { boxOf, sealWith, withParts } from "./seal-forge.ts";

const seal = (
  threat: string,
  title: string,
  ours: Mutant["ours"],
  openssl: Mutant["openssl"],
  make: Mutant["make"],
): Mutant => ({ title: `seal: ${title}`, threat, ours, openssl, file: sealFile, make });

const usual = { name: "Sealing", eku: [oids.sealing] } as const;
const rsaKey = newKey("rsa-pkcs1-sha256");
const rsa = issue(issuer, { ...usual, suite: "rsa-pkcs1-sha256", key: rsaKey });
const pss = issue(issuer, { ...usual, suite: "rsa-pss-sha256", key: rsaKey });

/** A seal that names these algorithms, protected as they stand, and by default signed by the digest that it names. */
function naming(
  sealer: Issued,
  named: { readonly hash?: string; readonly digest?: Uint8Array; readonly signature?: Uint8Array },
  sign?: (message: Uint8Array) => Uint8Array,
): () => Change {
  const digest = named.digest ?? digestAlgorithm(sealer.suite.hash);
  const signature = named.signature ?? signatureAlgorithm(sealer.suite);
  const inner = content(signature, readElement(signature, 0));
  const hash = named.hash ?? sealer.suite.hash;
  return () => ({
    ...boxOf(sealer),
    seal: (facts, by, document) =>
      sealWith(facts, by, document, {
        attributes: {
          algorithmProtection: attribute(oid.algorithmProtection, sequence(digest, explicit(1, inner))),
          messageDigest: attribute(oid.messageDigest, octetString(digestOf(hash as "sha256", document))),
        },
        parts: {
          digest,
          signature,
          sign:
            sign ??
            ((message) =>
              named.hash ? signatureBy(by.key, named.hash, message) : signWith(by.key, by.suite, message)),
        },
      }),
  });
}

const md5 = sequence(objectIdentifier("1.2.840.113549.2.5"), derNull);
const sha1 = sequence(objectIdentifier("1.3.14.3.2.26"), derNull);
const sha224 = sequence(objectIdentifier("2.16.840.1.101.3.4.2.4"));
const withNull = (id: string) => sequence(objectIdentifier(id), derNull);

const digests: readonly Mutant[] = [
  seal("T9", "MD5 with RSA", "CMS-ALGORITHM", "accepts", naming(rsa, { hash: "md5", digest: md5 })),
  seal("T9", "SHA-1 with RSA", "CMS-ALGORITHM", "accepts", naming(rsa, { hash: "sha1", digest: sha1 })),
  seal(
    "T9",
    "SHA-1 with ECDSA",
    "CMS-ALGORITHM",
    "accepts",
    naming(sealing, { hash: "sha1", digest: sha1, signature: sequence(objectIdentifier("1.2.840.10045.4.1")) }),
  ),
  seal("T9", "SHA-224 with RSA", "CMS-ALGORITHM", "accepts", naming(rsa, { hash: "sha224", digest: sha224 })),
  seal(
    "T9",
    "SHA-384 named beside ecdsa-with-SHA256",
    "CMS-ALGORITHM",
    "accepts",
    naming(sealing, { hash: "sha384", digest: digestAlgorithm("sha384") }),
  ),
  seal(
    "T9",
    "SHA-256 named beside sha512WithRSAEncryption",
    "CMS-ALGORITHM",
    "accepts",
    naming(rsa, { hash: "sha256", signature: certificateAlgorithm(suiteOf("rsa-pkcs1-sha512")) }),
  ),
  seal(
    "T9",
    "RSA named, ECDSA signed",
    "POLICY-PROFILE",
    "accepts",
    naming(sealing, { signature: withNull(oid.rsaEncryption) }),
  ),
  seal(
    "T9",
    "ECDSA with NULL parameters",
    "CMS-ALGORITHM",
    "accepts",
    naming(sealing, { signature: withNull(oid.ecdsaWithSha256) }),
  ),
  seal(
    "T9",
    "rsaEncryption without parameters",
    "CMS-ALGORITHM",
    "accepts",
    naming(rsa, { signature: sequence(objectIdentifier(oid.rsaEncryption)) }),
  ),
  seal("T9", "another suite of the same key than the policy's", "POLICY-PROFILE", "accepts", () => ({
    ...boxOf(rsa),
    seal: (facts, _, document) => {
      const other = { ...facts, suite: pss.suite };
      return sealWith(other, { ...pss, certificate: rsa.certificate }, document, {});
    },
  })),
  seal(
    "T9",
    "digest with NULL parameters, which RFC 5754 lets readers take",
    "holds",
    "accepts",
    naming(sealing, { digest: withNull(oid.sha256) }),
  ),
  seal(
    "T9",
    "sha256WithRSAEncryption, which RFC 5754 lets readers take",
    "holds",
    "accepts",
    naming(rsa, { signature: certificateAlgorithm(rsa.suite) }),
  ),
];

const pssName = (...parameters: readonly Uint8Array[]) => sequence(objectIdentifier(oid.rsaPss), ...parameters);
const hashId = { sha1, sha256: withNull(oid.sha256), sha384: withNull(oid.sha384) } as const;
type Hash = keyof typeof hashId;
const parameters = (choice: { readonly hash: Hash; readonly mask: Hash; readonly salt: number }) => [
  explicit(0, hashId[choice.hash]),
  explicit(1, sequence(objectIdentifier(oid.mgf1), hashId[choice.mask])),
  explicit(2, integer(choice.salt)),
];
const choosing = (
  choice: { readonly hash: Hash; readonly mask: Hash; readonly salt: number },
  signature?: Uint8Array,
  said: PssChoice = choice,
) =>
  naming(pss, { signature: signature ?? pssName(sequence(...parameters(choice))) }, (message) =>
    pssSignature(pss.key, message, said),
  );
const right = { hash: "sha256", mask: "sha256", salt: 32 } as const;

const pssChoices: readonly Mutant[] = [
  seal("T9", "PSS with a salt of 20 bytes", "CMS-ALGORITHM", "accepts", choosing({ ...right, salt: 20 })),
  seal("T9", "PSS without salt", "CMS-ALGORITHM", "accepts", choosing({ ...right, salt: 0 })),
  seal("T9", "PSS with a salt of 64 bytes", "CMS-ALGORITHM", "accepts", choosing({ ...right, salt: 64 })),
  seal(
    "T9",
    "PSS that names a salt of 32 bytes and has 20",
    "CMS-SIGNATURE",
    "refuses",
    choosing(right, undefined, { ...right, salt: 20 }),
  ),
  seal("T9", "PSS with a mask of SHA-1", "CMS-ALGORITHM", "accepts", choosing({ ...right, mask: "sha1" })),
  seal("T9", "PSS with a mask of SHA-384", "CMS-ALGORITHM", "accepts", choosing({ ...right, mask: "sha384" })),
  seal(
    "T9",
    "PSS with SHA-1 throughout",
    "CMS-ALGORITHM",
    "refuses",
    choosing({ hash: "sha1", mask: "sha1", salt: 20 }),
  ),
  seal(
    "T9",
    "PSS with another hash than the digest",
    "CMS-ALGORITHM",
    "refuses",
    choosing({ hash: "sha384", mask: "sha384", salt: 48 }),
  ),
  seal("T9", "PSS without parameters", "CMS-ALGORITHM", "refuses", choosing(right, pssName())),
  seal(
    "T9",
    "PSS with its default trailer written out",
    "CMS-ALGORITHM",
    "accepts",
    choosing(right, pssName(sequence(...parameters(right), explicit(3, integer(1))))),
  ),
  seal(
    "T9",
    "PSS with trailer 2",
    "CMS-ALGORITHM",
    "refuses",
    choosing(right, pssName(sequence(...parameters(right), explicit(3, integer(2))))),
  ),
];

const short = (bits: number) => issue(issuer, { ...usual, suite: "rsa-pkcs1-sha256", rsaBits: bits });
const ed25519 = () => {
  const key = generateKeyPairSync("ed25519").privateKey;
  const spki = new Uint8Array(generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }));
  return issue(issuer, { ...usual, key, spki });
};
const exponent3 = () =>
  issue(issuer, {
    ...usual,
    suite: "rsa-pkcs1-sha256",
    key: generateKeyPairSync("rsa", { modulusLength: 3072, publicExponent: 3 }).privateKey,
  });

const keys: readonly Mutant[] = [
  seal("T9", "RSA-1024", "PATH-KEY", "accepts", () => boxOf(short(1024))),
  seal("T9", "RSA-2048 where the policy asks for 3072", "PATH-KEY", "accepts", () => boxOf(short(2048))),
  seal("T9", "RSA-3072 with exponent 3", "PATH-KEY", "accepts", () => boxOf(exponent3())),
  seal("T10", "a certificate for Ed25519", "CMS-ALGORITHM", "refuses", () => {
    const sealer = ed25519();
    const signature = sequence(objectIdentifier("1.3.101.112"));
    return {
      sealer,
      seal: (facts, by, document) =>
        sealWith(facts, by, document, { parts: { signature, signatureValue: new Uint8Array(64) } }),
    };
  }),
];

/** The right signature of the attributes, changed afterwards. */
const resigned = (change: (signature: Uint8Array) => Uint8Array): Mutant["make"] =>
  withParts({ sign: (message) => change(signWith(sealing.key, sealing.suite, message)) } satisfies Partial<Forged>);

/** As `resigned`, but documents.jsonl goes on listing the SignerInfo with the signature as it was. */
const swapped =
  (change: (signature: Uint8Array) => Uint8Array): Mutant["make"] =>
  () => ({
    seal: (facts, by, document) => {
      const signature: { value: Uint8Array } = { value: new Uint8Array(0) };
      const first = sealWith(facts, by, document, {
        parts: {
          sign: (message) => {
            signature.value = signWith(by.key, by.suite, message);
            return signature.value;
          },
        },
      });
      const { file } = sealWith(facts, by, document, { parts: { signatureValue: change(signature.value) } });
      return { file, info: first.info };
    },
  });

const pair = (r: bigint, s: bigint) => sequence(integer(r), integer(s));
const padded = (value: bigint) =>
  der(0x02, Uint8Array.of(0, 0), Uint8Array.fromHex(value.toString(16).padStart(64, "0")));

const signatures: readonly Mutant[] = [
  seal(
    "T10",
    "ECDSA signature malleated (n - s)",
    "SEAL-BIND",
    "accepts",
    swapped((one) => {
      const [r, s] = halves(one);
      return pair(r, orderOfP256 - s);
    }),
  ),
  seal(
    "T10",
    "ECDSA signature of zeros",
    "CMS-SIGNATURE",
    "refuses",
    resigned(() => pair(0n, 0n)),
  ),
  seal(
    "T10",
    "ECDSA signature with s + n",
    "CMS-SIGNATURE",
    "refuses",
    resigned((one) => {
      const [r, s] = halves(one);
      return pair(r, s + orderOfP256);
    }),
  ),
  seal(
    "T10",
    "ECDSA signature with r - n",
    "CMS-SIGNATURE",
    "refuses",
    resigned((one) => {
      const [r, s] = halves(one);
      return pair(r - orderOfP256, s);
    }),
  ),
  seal(
    "T10",
    "ECDSA signature with more zeros than DER has",
    "CMS-SIGNATURE",
    "refuses",
    resigned((one) => {
      const [r, s] = halves(one);
      return sequence(padded(r), padded(s));
    }),
  ),
  seal(
    "T10",
    "ECDSA signature as r and s in a row",
    "CMS-SIGNATURE",
    "refuses",
    resigned((one) => {
      const [r, s] = halves(one);
      return Uint8Array.fromHex([r, s].map((half) => half.toString(16).padStart(64, "0")).join(""));
    }),
  ),
  seal(
    "T10",
    "ECDSA signature with a byte after it",
    "CMS-SIGNATURE",
    "refuses",
    resigned((one) => Uint8Array.of(...one, 0)),
  ),
  seal(
    "T10",
    "an empty signature",
    "CMS-SIGNATURE",
    "refuses",
    resigned(() => new Uint8Array(0)),
  ),
  seal(
    "T10",
    "RSA signature with a zero before it",
    "CMS-SIGNATURE",
    "refuses",
    naming(rsa, {}, (message) => Uint8Array.of(0, ...signWith(rsa.key, rsa.suite, message))),
  ),
];

export const sealAlgorithmMutants: readonly Mutant[] = [...digests, ...pssChoices, ...keys, ...signatures];

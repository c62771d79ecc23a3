/**
 * The one error class of Coldseal: a coded refusal. Codes are a closed table; each code is also the word in the log,
 * the row in docs/assurance.md and the start of a test's title.
 */

/** What a refusal means for the one who asked; the CLIs turn it into their exit status (docs/operations.md). */
export type RefusalKind = "refused" | "usage" | "not-now" | "verification";

/** Every code, what kind of answer it is, and what a person can do about it. */
export const refusalTable = {
  // Promises (docs/assurance.md)
  QUORUM: ["refused", "ask the missing operators to approve; see `ceremony show BATCH`"],
  "SAME-BYTES": ["refused", "make the batch again and bring it on another stick"],
  "INTENT-FIRST": ["refused", "stop the box and call the vendor: the store and the token disagree about a signature"],
  "SEAL-ONCE": ["refused", "use the first receipt: export the batch named here"],
  CHAIN: ["refused", "stop: the record was changed or an old disk was restored; a recovery ceremony is needed"],
  "CHECKED-OUT": ["refused", "export the batch again, to another stick"],
  MODE: ["refused", "ask for a mode that the policy in force allows"],
  EMERGENCY: ["refused", "see `ceremony status`: whether an emergency is open, and what of it is left"],
  UNANCHORED: ["not-now", "have the newest batch anchored at the desk, and bring its evidence in (control/in)"],
  ACKNOWLEDGEMENT: [
    "refused",
    "have the ledger write an acknowledgement anew; `ceremony status` says where the box stands",
  ],
  UNACKNOWLEDGED: ["not-now", "bring the keeper's stick to the ledger, and its acknowledgement in (control/in)"],
  CLOCK: ["refused", "have a quorum set the clock against a witnessed reference"],
  GAP: ["refused", "remove every network link but loopback, then try again"],
  SECRET: ["refused", "give the secret that is expected, at the prompt or on a descriptor only"],
  HONEST: ["verification", "do not rely on this record: a label is missing or unknown"],
  // What bytes mean
  JSON: ["refused", "make the file again with Coldseal's own tools"],
  SHAPE: ["refused", "make the file again with Coldseal's own tools"],
  DER: ["refused", "make the file again: it is not strict DER"],
  FRAME: ["refused", "check that both programs are of one version"],
  "CMS-FORM": ["refused", "make the file again with Coldseal's own tools"],
  "CMS-TYPE": ["refused", "check that this is the file you meant: its content is of another type"],
  "CMS-SIGNERS": ["refused", "the number of signatures must be exactly what the policy expects"],
  "CMS-ATTRIBUTES": ["refused", "sign again: signed attributes must each stand once, in DER order"],
  "CMS-ALGORITHM": ["refused", "sign again with an algorithm that the policy allows"],
  "CMS-CERTIFICATE": ["refused", "sign again: the signature must be bound to its certificate"],
  "CMS-DIGEST": ["verification", "the signed content was changed, or belongs to another signature"],
  "CMS-SIGNATURE": ["verification", "the signature does not hold: the file was changed"],
  // Plain envelopes, made by other tools
  "ENVELOPE-FORM": ["refused", "make the envelope again, for example with `openssl cms -sign -binary -nodetach`"],
  "ENVELOPE-POLICY": ["refused", "bring a signed batch (`coldseal batch create`): the policy takes no plain envelopes"],
  "SUBMITTER-MIXED": ["refused", "sign all envelopes of a batch with one certificate, or bring one batch for each"],
  // Certificates (RFC 5280)
  "PATH-FORM": ["refused", "have the certificate issued again"],
  "PATH-ROOT": ["refused", "use a certificate under a root of the policy or, at the desk, of --ca or --tsa-ca"],
  "PATH-TIME": ["refused", "use a certificate that is valid today, and check the clock"],
  "PATH-REVOKED": ["refused", "use another certificate: this one is revoked"],
  "PATH-USAGE": ["refused", "use a certificate with the right key usage and extended key usage"],
  "PATH-CRITICAL": ["refused", "have the certificate issued again without that critical extension"],
  "PATH-CONSTRAINT": ["refused", "use a certificate that its issuer may issue (CA flag, path length, names, policies)"],
  "PATH-KEY": ["refused", "use a stronger key"],
  // Removable media and intake
  "MEDIA-KIND": ["refused", "copy the batch again as plain files: no links, pipes, sockets or devices"],
  "MEDIA-NAME": ["refused", "rename the file or folder and make the batch again"],
  "MEDIA-CHANGED": ["refused", "leave the stick alone while it is read, then try again"],
  "MEDIA-LIMIT": ["refused", "bring less at once: a smaller batch, or fewer files on the stick"],
  "MEDIA-TIME": ["refused", "make a smaller batch, or use a faster stick"],
  "MEDIA-READ": ["not-now", "the stick could not be read: insert it again, or use another"],
  "MEDIA-WRITE": ["not-now", "the stick could not be written: free it, or export to another stick"],
  "MEDIA-FULL": ["not-now", "the stick is full: export the batch to another stick"],
  "MEDIA-TAKEN": ["refused", "rename the batch folder: another answer already stands under this name"],
  "STICK-DEVICE": ["refused", "pull it out and have it looked at: it is not a memory stick and nothing else"],
  "STICK-UNKNOWN": ["refused", "use a stick that the box's settings name (mount.json)"],
  "STICK-MANY": ["refused", "pull out all sticks, then plug in one"],
  "STICK-FORM": ["refused", "format the stick anew, with one partition and FAT32 or exFAT, and copy the batch again"],
  "STICK-OTHER": ["refused", "plug the same stick in again, or export the batch to this one"],
  "STICK-GONE": ["not-now", "plug the stick in, and leave it until the box says that it may be pulled out"],
  "DOCUMENT-MISSING": ["refused", "copy the whole batch again"],
  "DOCUMENT-EXTRA": ["refused", "remove what the batch does not list, or make the batch again"],
  "DOCUMENT-COUNT": ["refused", "count the documents anew: READY, the envelopes and what operators type must agree"],
  "DOCUMENT-DIGEST": ["verification", "the document is not the one that was listed: fetch the original"],
  "DOCUMENT-SIZE": ["verification", "the document is not the one that was listed: fetch the original"],
  "DOCUMENT-NAME": ["refused", "rename the document and make the batch again"],
  "DOCUMENT-TWICE": ["refused", "list each document once"],
  // Batches and decisions
  "BATCH-EXPIRED": ["refused", "make the batch again: its expiry has passed"],
  "BATCH-UNDECIDED": [
    "refused",
    "bring the batch again, in a folder of another name, when people are there to decide on it",
  ],
  "BATCH-UNKNOWN": [
    "usage",
    "see `ceremony list`; one just brought is known once the stick has been quiet for a moment",
  ],
  "BATCH-STATE": ["refused", "see `ceremony show BATCH` for what can be done now"],
  "BATCH-ENDED": ["refused", "make a new batch: this one ended"],
  REJECTED: ["refused", "read the reason in rejection.p7m (`coldseal inspect`), then make a corrected batch"],
  "CHALLENGE-MATCH": ["refused", "approve again: this approval belongs to something else"],
  "SLIP-WORDS": ["refused", "compare the whole slip with the screen: if they differ, reject the batch"],
  "CHALLENGE-EXPIRED": ["refused", "approve again under the new challenge"],
  "NONCE-USED": ["refused", "nothing: this authorisation was already used"],
  "POLICY-CHAIN": ["refused", "bring the policy that follows the one in force, signed by both quorums"],
  "POLICY-SIGNERS": ["refused", "have the policy signed by those whom it and its predecessor name"],
  "POLICY-DIGEST": ["refused", "bring the policy in force"],
  "POLICY-EARLY": ["not-now", "bring the policy again from its date on"],
  "POLICY-PROFILE": ["refused", "use the algorithm that the policy names"],
  "PERSON-UNKNOWN": ["refused", "use a token that the policy in force names"],
  "PERSON-TWICE": ["refused", "another person must approve: each counts once"],
  "PERSON-ROLE": ["refused", "ask a person with the role that this needs"],
  "PERSON-EXCLUDED": ["refused", "ask another person: this one is excluded by the policy"],
  // Verification of what left the box
  "MANIFEST-BIND": ["verification", "do not rely on this bundle: its parts do not belong together"],
  "SEAL-BIND": ["verification", "do not rely on this seal: manifest and seal do not belong together"],
  "BUNDLE-FORM": ["verification", "fetch the whole outbox folder again"],
  REVOCATION: [
    "verification",
    "give the newest CRL of each CA between the box's certificates and the root, or OCSP responses",
  ],
  "REVOCATION-STALE": ["not-now", "bring newer CRLs or OCSP responses in coldseal/control/in, then `ceremony import`"],
  "TIME-FORM": ["verification", "fetch the evidence of time again, or have the bundle anchored anew"],
  "TIME-IMPRINT": ["verification", "do not rely on this evidence of time: it is over something else"],
  "TIME-TSA": ["verification", "have the bundle anchored by an authority whose certificate is for time-stamping alone"],
  "TIME-ORDER": ["verification", "look at the clocks: a time-stamp may not be older than what it is over"],
  "TIME-LOCAL": ["verification", "do not take it for a time: the box stamped this itself; have the bundle anchored"],
  "TSA-ANSWER": ["not-now", "ask another time-stamp authority, or this one later; what was anchored before stays"],
  "LOG-NOTE": [
    "verification",
    "do not rely on this: the log's key, or a witness's, did not sign it, or it is no signed note",
  ],
  "LOG-FORM": ["verification", "fetch the proof or entry from the ledger again: it is not in the form that logs have"],
  "LOG-PROOF": ["verification", "do not rely on this: the proof does not lead to the log's signed checkpoint"],
  "LOG-HEAD": ["refused", "look for a second ledger with these keys, and for a store that was put back"],
  "LEDGER-STOPPED": ["not-now", "find the newest checkpoint that was signed, and move the state forward to it"],
  WITNESS: ["not-now", "start or reach the witnesses: what is stored stays, and is cosigned when they answer"],
  "LOG-RECORD": [
    "verification",
    "stop feeding this ledger: find out what changed it, and restore a backup that `coldseal ledger verify` passes",
  ],
  "LEDGER-BOX": ["refused", "see `coldseal ledger list`; a box is pinned once, by `coldseal ledger enrol`"],
  "LEDGER-FORK": [
    "verification",
    "look at both manifests; the box's chain stands until two keepers decide: `coldseal ledger decide`",
  ],
  "LEDGER-GAP": ["refused", "fetch what is missing from the box or its keeper, then `coldseal ledger ingest`"],
  "LEDGER-TIME": ["not-now", "see `coldseal ledger queue` for why it waits, then `coldseal ledger anchor`"],
  "LEDGER-BACKUP": [
    "verification",
    "do not restore this one: take another backup, or make one anew while the ledger is still there",
  ],
  UNBACKED: ["not-now", "make a backup (`coldseal ledger backup`), then do the same again: nothing is lost by waiting"],
  "STORE-VERSION": [
    "not-now",
    "an older store: `coldseal ledger backup`, then `coldseal ledger upgrade`; a newer one: use the program that made it",
  ],
  DRILL: ["verification", "read what failed, and run the drill alone with --keep DIR to look at what it left"],
  UNPUBLISHED: ["not-now", "have a checkpoint over it published: `coldseal ledger publish`; then try again"],
  CLIENT: [
    "refused",
    "use a client certificate of a name that the service's settings list for this: `clients` in serve.json",
  ],
  UPLOAD: [
    "refused",
    "send it again, whole: what is on a stick as a tar archive (`tar --format=ustar`), or one record",
  ],
  CLOSING: ["verification", "do not rely on this closing record: fetch the one that the box's keeper has"],
  "QUOTE-FORM": ["verification", "have the box's TPM and its logs looked at: what they gave cannot be read"],
  "QUOTE-KEY": ["verification", "do not rely on this attestation: its key is not that of the box's TPM"],
  "QUOTE-SIGNATURE": ["verification", "do not rely on this attestation: it was changed, or another key made it"],
  "QUOTE-BIND": ["verification", "do not rely on this attestation: it was made for something else"],
  "QUOTE-LOG": ["verification", "do not rely on this log: it does not give what the TPM vouches for"],
  ABORTED: ["verification", "do not rely on it: the batch was aborted and none of its seals counts"],
  // Ceremonies
  "CEREMONY-FILE": ["usage", "correct the ceremony file, have it reviewed anew, and hold a dry run"],
  "CEREMONY-STEP": [
    "refused",
    "go on as the script's way back says: try the step again, record a deviation, or abandon",
  ],
  "CEREMONY-STATE": ["refused", "see what the ceremony's record says: `ceremony record FOLDER`"],
  "NOT-READY": ["not-now", "see to what is missing, then `ceremony ready` again"],
  TRANSCRIPT: [
    "verification",
    "do not rely on this transcript: its entries do not follow each other, or signatures are missing",
  ],
  "SHARE-CHANGED": [
    "refused",
    "use this box's share, or its other copy; where there is none, split anew without this holder",
  ],
  "SHARE-FOREIGN": ["refused", "give the share that belongs to the split in force: `ceremony status` names it"],
  "SHARE-TWICE": ["refused", "ask another holder: each share counts once"],
  "SHARE-SHORT": ["refused", "ask more holders for their shares"],
  "PASSPHRASE-WRONG": [
    "refused",
    "type the passphrase of this share again, slowly; or give the key that it was sealed to",
  ],
  PRINTER: ["not-now", "look at the printer: `lpstat -p`; the files are written, print them from there"],
  "KEY-REQUEST": ["refused", "have the certificate issued for the request that the box, or the ledger, wrote"],
  // The box now
  ORDER: ["refused", "sign an order anew: see `ceremony status` for the last one that the box took"],
  SUSPENDED: ["not-now", "have a quorum resume the box: the ceremony `resume`"],
  CLOSED: ["not-now", "open the box by the ceremony `open`, with the statement of its last close"],
  SOFTWARE: ["not-now", "have a quorum approve this software, the ceremony `update`, or start the approved one"],
  "KEY-STATE": ["not-now", "use a key that is in force: the ceremonies `resume-key` or `activate`"],
  LOCKED: ["not-now", "unlock the box: `ceremony unlock`; at a ledger give its signer the PIN again"],
  "HSM-GONE": ["not-now", "connect the HSM, then `ceremony unlock`; at a ledger give its signer the PIN again"],
  "HSM-TOKEN": ["refused", "insert the token named here"],
  "HSM-KEY": ["refused", "use the token whose keys were pinned; if it was changed, hold a ceremony"],
  "HSM-FAULT": ["not-now", "look at the HSM; then `ceremony unlock` again"],
  "HSM-MODULE": ["not-now", "check the PKCS#11 module's path and environment"],
  "HSM-UNSUPPORTED": ["refused", "use a token that can do this (docs/operations.md)"],
  "HSM-SIGNATURE": ["refused", "stop: the HSM gave a signature that does not verify"],
  "TPM-GONE": ["not-now", "look at the TPM: is it there, may the signer open it? Then try again"],
  "TPM-FAULT": ["not-now", "look up the TPM's response code (TPM_RC in the TPM 2.0 Library, part 2), then try again"],
  "PIN-WRONG": ["refused", "type the PIN or the passphrase again, slowly"],
  "PIN-LOCKED": ["not-now", "wait as long as it says"],
  UNREACHABLE: ["not-now", "start it (the box's processes, the ledger's signer), then try again"],
  BUSY: ["not-now", "wait until the work under way ends, or use the process that is running already"],
  STORE: ["not-now", "look at what is named here, at the disk and the log; nothing was sealed"],
  CONFIG: ["usage", "correct the file or setting that is named here, or make it"],
  USAGE: ["usage", "see --help"],
  STOPPED: ["not-now", "nothing: it was stopped on request"],
  INTERNAL: ["not-now", "look at the log and report this as a fault of Coldseal"],
} as const satisfies Record<string, readonly [RefusalKind, string]>;

export type RefusalCode = keyof typeof refusalTable;

export interface RefusalDetail {
  /** what was expected and what came; lower case, no full stop, never a secret */
  readonly expected?: string;
  readonly got?: string;
  /** the one thing it concerns: a file, a person, a batch */
  readonly about?: string;
  readonly cause?: unknown;
}

/** The form a refusal has between processes and under `--json`. */
export interface RefusalRecord {
  readonly code: RefusalCode;
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
  readonly about?: string;
}

/** A typed refusal. `message` says in one line what was refused; nothing was changed by what threw it unless it says so. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly expected: string | undefined;
  readonly got: string | undefined;
  readonly about: string | undefined;

  constructor(code: RefusalCode, message: string, detail: RefusalDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "Refusal";
    this.code = code;
    this.expected = detail.expected;
    this.got = detail.got;
    this.about = detail.about;
  }

  get kind(): RefusalKind {
    return refusalTable[this.code][0];
  }

  /** What to do now, in one line. */
  get next(): string {
    return refusalTable[this.code][1];
  }

  toRecord(): RefusalRecord {
    return {
      code: this.code,
      message: this.message,
      ...(this.expected === undefined ? {} : { expected: this.expected }),
      ...(this.got === undefined ? {} : { got: this.got }),
      ...(this.about === undefined ? {} : { about: this.about }),
    };
  }

  /** A refusal that came from another process; an unknown code becomes INTERNAL. */
  static fromRecord(record: {
    code: string;
    message: string;
    expected?: string;
    got?: string;
    about?: string;
  }): Refusal {
    const code = isRefusalCode(record.code) ? record.code : "INTERNAL";
    return new Refusal(code, record.message, record);
  }
}

export function isRefusalCode(word: string): word is RefusalCode {
  return Object.hasOwn(refusalTable, word);
}

/** A refusal within another text: code and message, and what it says beside them. */
export function inOneLine({ about, code, expected, got, message }: RefusalRecord): string {
  const detail = [about, expected && `expected ${expected}`, got && `got ${got}`].filter(Boolean).join(", ");
  return `${code}: ${message}${detail === "" ? "" : ` (${detail})`}`;
}

/** Turns whatever was thrown into a refusal: refusals pass, everything else becomes `code` with the cause kept. */
export function asRefusal(thrown: unknown, code: RefusalCode, message: string): Refusal {
  if (thrown instanceof Refusal) return thrown;
  return new Refusal(code, message, { cause: thrown });
}

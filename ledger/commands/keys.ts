/** Wires `coldseal ledger keys`, `coldseal ledger signer` and `coldseal ledger forward`: the ledger's own keys, and the process that holds them. */

import { existsSync, readFileSync } from "node:fs";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { readVerifierKey } from "../../manifests/log/verifier-key.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { checkAnswers, verifyCertificateRequest } from "../../manifests/x509/certificate-request.ts";
import { signerFolder } from "../client/open-signer.ts";
import { askNewPassphrase, askPin } from "../keys/passphrase.ts";
import { openLedger } from "../ledger-folder.ts";
import { moveForward, moveFromNothing } from "../signed-heads/forward.ts";
import { headsPlace } from "../signed-heads/heads-place.ts";
import { openSignedHeads } from "../signed-heads/signed-heads.ts";
import { heldIn, keyFile, readKeyRecord } from "../signer/key-record.ts";
import { type KeyKind, makeKeys, requestFile } from "../signer/make-keys.ts";
import { certificateFile } from "../signer/methods.ts";
import { runSigner } from "../signer/run.ts";
import { certificateIn, checkpointBytes } from "./file-bytes.ts";
import { agreedToForward } from "./forward-words.ts";

export interface KeysOptions {
  readonly arc: string;
  readonly certificate?: string;
  readonly counter?: string;
  readonly environment?: readonly string[];
  readonly json?: boolean;
  readonly key: KeyKind;
  readonly module?: string;
  readonly organization?: string;
  readonly passphraseFd?: number;
  readonly pinFd?: number;
  /** PKCS#11 URI */
  readonly token?: string;
}

/** Makes the keys where there are none, takes a certificate where one is given, and says what there is. */
export async function runKeys(
  ledger: string,
  options: KeysOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const folder = signerFolder(ledger);
  if (existsSync(keyFile(folder))) checkNoneMoves(folder, options);
  else if (options.certificate !== undefined) throw noKeysYet(options.certificate);
  else await make(ledger, options);
  tell("the keys are made");
  if (options.certificate !== undefined) await takeCertificate(folder, options.certificate);
  const { acknowledgement, checkpoint, origin } = readKeyRecord(folder);
  const certificate = existsSync(certificateFile(folder))
    ? readCertificate(readFileSync(certificateFile(folder)))
    : undefined;
  const said = {
    acknowledgement: {
      certificate: certificate?.subjectText ?? null,
      held: acknowledgement.held,
      suite: acknowledgement.suite,
      uri: acknowledgement.uri ?? null,
    },
    checkpoint: { held: checkpoint.held, uri: checkpoint.uri ?? null, vkey: checkpoint.vkey },
    origin,
    request: requestFile(folder),
  };
  const lines = [
    `checkpoints of ${origin}, by a key ${heldWords(checkpoint)}:`,
    `  ${checkpoint.vkey}`,
    `acknowledgements by ${acknowledgement.suite}, a key ${heldWords(acknowledgement)}:`,
    certificate
      ? `  ${shown(certificate.subjectText)}, until ${certificate.notAfter}`
      : `  no certificate yet: have one issued for ${shown(requestFile(folder))}, then --certificate FILE`,
  ];
  process.stdout.write(options.json ? `${JSON.stringify(said)}\n` : `${lines.join("\n")}\n`);
}

/** Refuses CONFIG to take keys that are in a file for ones on a token. */
function checkNoneMoves(folder: string, options: KeysOptions): void {
  if (tokenOf(options) === undefined || heldIn(readKeyRecord(folder), "token").length > 0) return;
  throw new Refusal("CONFIG", "the keys were made already, in an encrypted file: none is moved to a token", {
    expected: "a ledger that has no keys yet, or the command without --module and --token",
    about: keyFile(folder),
  });
}

function noKeysYet(certificate: string): Refusal {
  return new Refusal("USAGE", "the ledger has no keys yet, so no certificate can be for them", {
    expected: "--organization NAME, to make keys and a request; then --certificate FILE, with what was issued for it",
    got: `--certificate ${shown(certificate)}`,
  });
}

function heldWords({ uri }: { readonly uri?: string | undefined }): string {
  return uri === undefined ? "in an encrypted file" : `on a token, ${shown(uri)}`;
}

async function make(ledger: string, options: KeysOptions): Promise<void> {
  const { arc, counter, key: kind, organization, passphraseFd, pinFd } = options;
  if (organization === undefined) {
    throw new Refusal("USAGE", "the keys are made now: for whom shall the certificate be?", {
      expected: "--organization NAME",
    });
  }
  const token = tokenOf(options);
  const opened = await openLedger(ledger);
  const { origin } = opened;
  opened.close();
  const where = counter === undefined ? {} : { counter };
  const usage = ownOids(arc).acknowledging;
  const wanted = { folder: signerFolder(ledger), kind, organization, origin, usage, ...where };
  if (token === undefined) {
    const askPassphrase = () => askNewPassphrase(passphraseFd, `the keys of ledger ${origin}`);
    await makeKeys({ ...wanted, askPassphrase });
    return;
  }
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const { makeKeysOnToken } = await import("../signer/token/make-on-token.ts");
  const { others } = await makeKeysOnToken({
    ...wanted,
    token,
    askPin: askPin.bind(undefined, pinFd),
    askPassphrase: () => {
      say("the token makes no Ed25519 keys: the key for checkpoints goes into an encrypted file, under a passphrase");
      return askNewPassphrase(passphraseFd, `the key for checkpoints of ledger ${origin}`);
    },
  });
  if (others.length === 0) return;
  say(
    `the token has other keys, too (${others.map(shown).join(", ")}): beside an Ed25519 key OpenSSL's pkcs11 engine cannot use them`,
  );
}

/** What was said of a token. Refuses USAGE half of it, and what is no variable. */
function tokenOf({ environment = [], module, token }: KeysOptions) {
  if (module === undefined && token === undefined && environment.length === 0) return undefined;
  if (module === undefined || token === undefined) {
    throw new Refusal("USAGE", "which token are the keys for?", {
      expected: "--module FILE and --token URI, or neither for an encrypted file",
      got: module === undefined ? "no --module" : "no --token",
    });
  }
  return { environment: Object.fromEntries(environment.map(variableOf)), module, uri: token };
}

function variableOf(text: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new Refusal("USAGE", "an environment variable has a name and a value", { expected: "NAME=VALUE", got: text });
}

/** Refuses USAGE what is no certificate, KEY-REQUEST what does not answer the request. */
async function takeCertificate(folder: string, file: string): Promise<void> {
  const certificate = certificateIn(file);
  checkAnswers(await verifyCertificateRequest(nodeHost, readFileSync(requestFile(folder))), certificate);
  await writeDurable(certificateFile(folder), certificate);
}

/** Serves the signer at its socket until it is told to stop. */
export async function runSignerCommand(
  ledger: string,
  options: { readonly arc: string; readonly passphraseFd?: number; readonly pinFd?: number },
): Promise<void> {
  await runSigner(signerFolder(ledger), options);
}

/** `file` holds the newest checkpoint that the signer ever signed. */
export async function runForward(
  ledger: string,
  file: string | undefined,
  { json, noneSigned = false }: { readonly json?: boolean; readonly noneSigned?: boolean },
): Promise<void> {
  if (noneSigned === (file !== undefined)) {
    throw new Refusal("USAGE", "one of two is said: the newest checkpoint, or that none was ever signed", {
      expected: "CHECKPOINT, or --none-signed",
    });
  }
  const folder = signerFolder(ledger);
  const { checkpoint, origin } = readKeyRecord(folder);
  const log = await readVerifierKey(nodeHost, checkpoint.vkey, "ed25519");
  const heads = await openSignedHeads(headsPlace(folder), [origin]);
  try {
    const agree = agreedToForward.bind(undefined, "The ledger's signer", origin);
    let size = 0;
    if (file === undefined) await moveFromNothing({ agree, heads, log });
    else
      ({ size } = await moveForward({ agree, heads, log, own: log }, { checkpoint: checkpointBytes(file), path: [] }));
    process.stdout.write(
      json ? `${JSON.stringify({ origin, size })}\n` : `moved forward to size ${size} of ${origin}\n`,
    );
  } finally {
    heads.close();
  }
}

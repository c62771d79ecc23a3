/** `npm run package -- --out DIR`: makes the Debian package of this clone. Only parses and wires. */

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { tokenSigner } from "../../hardware/sign.ts";
import { openToken } from "../../hardware/token.ts";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { openPrompter } from "../../host/terminal/prompter.ts";
import { endingRefusal, exitStatus, refusalLines } from "../../host/terminal/refusal-lines.ts";
import { readSecret } from "../../host/terminal/secret-descriptor.ts";
import { styleFor } from "../../host/terminal/style.ts";
import { usageRefusal } from "../../host/terminal/usage-refusal.ts";
import { readTokenFile } from "../../host/token-file.ts";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import { suiteForKey } from "../../manifests/cms/suite-for-key.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { buildPackage } from "./build.ts";
import { readClone } from "./clone.ts";
import { signedWords } from "./control.ts";
import { signingKeyOf } from "./signing-key.ts";

interface Options {
  readonly out: string;
  readonly arc: string;
  readonly key?: string;
  readonly cert?: string;
  readonly token?: string;
  readonly pinFd?: string;
}

const root = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");
const say = (line: string) => void process.stderr.write(`package: ${line}\n`);

const program = new Command("package")
  .description("make the Debian package of this clone: all that a box runs on, in one file")
  .requiredOption("--out <dir>", "where the package is left")
  .option("--key <file>", "private key (PEM) that signs the list of digests; with --cert")
  .option("--cert <file>", "its certificate (PEM or DER)")
  .option("--token <file>", "the key on a PKCS#11 token instead: its configuration (docs/operations.md)")
  .option("--pin-fd <n>", "read the token's PIN from this descriptor, for scripts")
  .option("--arc <oid>", "the arc of the organisation's object identifiers", documentationArc)
  .exitOverride()
  .configureOutput({ outputError: () => undefined })
  .action(main);

try {
  await program.parseAsync();
} catch (fault) {
  process.exitCode = end(fault);
}

async function main(options: Options): Promise<void> {
  const { key, close } = await signer(options);
  try {
    const clone = readClone(root, process.env);
    if (clone.changed) say("this clone differs from its commit, and the package says so");
    const named = key && { key, name: readCertificate(key.certificate).subjectText };
    const built = await buildPackage({ clone, out: resolve(options.out), arc: options.arc, signer: named, say });
    const lines = [
      built.file,
      `version ${built.version}, ${built.files} files, ${built.size} bytes`,
      `SHA-256 of the package   ${built.sha256}`,
      `digest of the software   ${built.software}`,
      signedWords(named?.name),
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  } finally {
    await close();
  }
}

async function signer({
  key,
  cert,
  token,
  pinFd,
}: Options): Promise<{ key: SigningKey | undefined; close(): Promise<void> }> {
  const given = [key, cert, token].map((one) => (one === undefined ? "-" : "x")).join("");
  const close = async () => undefined;
  if (given === "---") return { key: undefined, close };
  if (given === "xx-") return { key: signingKeyOf(key as string, cert as string), close };
  if (given === "--x") return onToken(token as string, pinFd);
  throw new Refusal("USAGE", "say by which key the package is signed", {
    expected: "--key with --cert, or --token, or none of them",
    got: "some of them",
  });
}

async function onToken(file: string, pinFd: string | undefined): Promise<{ key: SigningKey; close(): Promise<void> }> {
  const settings = readTokenFile(file);
  const certificate = readCertificateFile(settings.certificate);
  const { spki } = readCertificate(certificate);
  const token = await openToken(settings);
  try {
    const pin = pinFd === undefined ? await askPin(token.label) : readSecret(Number(pinFd));
    await token.login(pin).finally(() => pin.fill(0));
    const suite = suiteForKey(spki, "sha256");
    const held = tokenSigner(token, { uri: settings.key.uri, spki, suite });
    return { key: { suite, certificate, sign: (message) => held.sign(message) }, close: () => token.close() };
  } catch (fault) {
    await token.close();
    throw fault;
  }
}

async function askPin(label: string): Promise<Uint8Array> {
  const prompter = openPrompter(process.stdin, process.stderr);
  try {
    return await prompter.secret(`Type the PIN of token ${label}: `);
  } finally {
    prompter.close();
  }
}

function end(fault: unknown): number {
  const usage = fault instanceof CommanderError ? usageRefusal(fault) : undefined;
  if (fault instanceof CommanderError && !usage) return 0;
  const refusal = usage ?? endingRefusal(fault);
  process.stderr.write(
    `${refusalLines(refusal, "no package was made", styleFor(process.stderr, process.env)).join("\n")}\n`,
  );
  return exitStatus[refusal.kind];
}

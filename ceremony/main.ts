/** `ceremony`, the operators' command at the box. Only parses and wires. */

import { CommanderError } from "commander";
import { pinWarning } from "../hardware/pin-warning.ts";
import { tokenSigner } from "../hardware/sign.ts";
import { openToken, type Token } from "../hardware/token.ts";
import { readCertificateFile } from "../host/certificate-file.ts";
import { endingRefusal, exitStatus, refusalJson, refusalLines } from "../host/terminal/refusal-lines.ts";
import { styleFor } from "../host/terminal/style.ts";
import { usageRefusal } from "../host/terminal/usage-refusal.ts";
import { suiteForKey } from "../manifests/cms/suite-for-key.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import { actionsOf } from "./actions.ts";
import { type OperatorSettings, readOperatorSettings, settingsVariable } from "./operator-settings.ts";
import { openOutput } from "./output.ts";
import { nothingSigned, type OperatorToken, type Output, type Sitting } from "./ports.ts";
import { ceremonyProgram, type GlobalOptions } from "./program.ts";
import { naming, openSitting } from "./sitting.ts";

const write = (text: string) => void process.stdout.write(text);
const program = ceremonyProgram(actionsOf(within, alone, () => program, write));
let consequence = nothingSigned;

try {
  await program.parseAsync();
} catch (fault) {
  process.exitCode = end(fault);
}

/** Opens a sitting by the global options, acts in it, closes it. */
async function within(act: (sitting: Sitting) => Promise<void>): Promise<void> {
  const options = program.opts<GlobalOptions>();
  const settings = readOperatorSettings(options.as ?? process.env[settingsVariable]);
  const output = openOutput(options.json === true, process, process.env);
  const sitting = openSitting(settings, operatorToken(settings), output, options.pinFd);
  try {
    await act(sitting);
  } catch (fault) {
    consequence = sitting.consequence;
    throw naming(fault, settings);
  } finally {
    await sitting.close();
  }
}

/** Ceremonies name their people themselves. What they need is loaded for them alone: other commands start faster. */
async function alone(
  act: (ceremonies: typeof import("./ceremonies.ts"), output: Output) => Promise<void>,
): Promise<void> {
  await act(
    await import("./ceremonies.ts"),
    openOutput(program.opts<GlobalOptions>().json === true, process, process.env),
  );
}

/** Tells what ended the program; its exit status. */
function end(fault: unknown): number {
  const usage = fault instanceof CommanderError ? usageRefusal(fault) : undefined;
  if (fault instanceof CommanderError && !usage) return 0;
  const refusal = usage ?? endingRefusal(fault);
  if (program.opts<GlobalOptions>().json === true) {
    write(`${JSON.stringify(refusalJson(refusal, consequence), null, 2)}\n`);
  } else {
    const lines = refusalLines(refusal, consequence, styleFor(process.stderr, process.env));
    process.stderr.write(`${lines.join("\n")}\n`);
  }
  return exitStatus[refusal.kind];
}

/** The operator's token over PKCS#11. Nothing is loaded before it is asked for something. */
function operatorToken(settings: OperatorSettings): OperatorToken {
  const certificate = readCertificateFile(settings.certificate);
  const { spki } = readCertificate(certificate);
  const suite = suiteForKey(spki, "sha256");
  let opened: Token | undefined;
  const open = async () => {
    opened ??= await openToken(settings.token);
    return opened;
  };
  return {
    label: settings.token.uri.match(/token=([^;?]+)/)?.[1] ?? settings.person,
    serial: settings.token.serial,
    certificate,
    check: async () => pinWarning((await open()).pinState()),
    login: async (pin) => {
      const token = await open();
      await token.login(pin);
      const key = { uri: settings.key.uri, spki, suite };
      await token.findKey(key);
      const signer = tokenSigner(token, key);
      return { suite, certificate, sign: (message) => signer.sign(message) };
    },
    close: async () => {
      await opened?.close();
      opened = undefined;
    },
  };
}

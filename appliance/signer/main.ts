/**
 * The signer: `run CONFIG` serves its two sockets until SIGTERM; `create CONFIG --genesis policy.p7m --pin-fd N` makes
 * a new box's store; `recover CONFIG --from FOLDER --pin-fd N [--order FILE]` makes it anew where the disk was lost. Only this file brings hardware and signer together.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { changePin } from "../../hardware/change-pin.ts";
import { HeadStore } from "../../hardware/counter-object.ts";
import { compareKeys } from "../../hardware/inventory.ts";
import { readPinFromDescriptor } from "../../hardware/pin.ts";
import { tokenSigner } from "../../hardware/sign.ts";
import { SignCrew } from "../../hardware/sign-crew.ts";
import { readTokenUri } from "../../hardware/slot.ts";
import { openToken, type Token } from "../../hardware/token.ts";
import type { TpmPlace } from "../../hardware/tpm/connection.ts";
import { tpmQuoter } from "../../hardware/tpm/quoter.ts";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost, pooledHost } from "../../host/crypto-host.ts";
import { socketAt } from "../../host/inherited-socket.ts";
import { machineSays } from "../../host/machine.ts";
import { readInitialLinks } from "../../host/network-links.ts";
import { softwareOf } from "../../host/software-digest.ts";
import { serve } from "../../host/wire.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import { processLog } from "../log.ts";
import type { Attesting } from "./attest.ts";
import { deviceOf } from "./attestation-setting.ts";
import type { Box } from "./box.ts";
import { readConfig, type SignerConfig } from "./config.ts";
import { createBox } from "./create-box.ts";
import { guarded } from "./guarded.ts";
import { checkIsolation } from "./isolation.ts";
import { lookAround } from "./look-around.ts";
import { type BoxParts, openBox } from "./open-box.ts";
import { readEvidence } from "./recover/evidence.ts";
import { keysByEvidence, recoverBox, surveyBox } from "./recover/recover-box.ts";
import { SealingWork } from "./seal-batch.ts";
import { signerMethods } from "./signer-methods.ts";
import { Staging } from "./staged-request.ts";
import { stopBox } from "./stop.ts";
import { TokenHsm } from "./token-hsm.ts";
import { tokenInForce } from "./token-in-force.ts";
import { unlockMethods } from "./unlock-methods.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const lookSeconds = 10;
const exitCodes = { refused: 1, usage: 2, "not-now": 3, verification: 4 } as const;

const log = processLog("signer", 2);

// Whatever the signer writes is for its own user only.
process.umask(0o077);

const program = new Command("signer").description("the trusted process of a Coldseal box");
program
  .command("run")
  .argument("<config>", "signer.json")
  .action((config: string) => run(readConfig(config)));
program
  .command("create")
  .argument("<config>", "signer.json")
  .requiredOption("--genesis <file>", "policy number 1, signed")
  .requiredOption("--pin-fd <number>", "descriptor to read the token's PIN from")
  .action((config: string, options: { genesis: string; pinFd: string }) =>
    create(readConfig(config), options.genesis, Number(options.pinFd)),
  );

program
  .command("recover")
  .argument("<config>", "signer.json")
  .requiredOption("--from <folder>", "what is at hand of the lost box")
  .requiredOption("--pin-fd <number>", "descriptor to read the token's PIN from")
  .option(
    "--order <file>",
    "the signed order `recover`: makes the store; without it, what is found is printed, for the quorum to sign",
  )
  .option(
    "--beyond <number>",
    "a number of a manifest that was surely not exceeded, where the token says nothing",
    Number,
    0,
  )
  .option("--reason <text>", "what happened", "")
  .action((config: string, options: RecoverOptions) => recover(readConfig(config), options));

try {
  await program.parseAsync();
} catch (fault) {
  const refusal = asRefusal(fault, "INTERNAL", `a fault in the signer: ${(fault as Error).message}`);
  log.fatal({ ...refusal.toRecord(), next: refusal.next }, "stopped");
  process.exitCode = exitCodes[refusal.kind];
}

async function create(config: SignerConfig, genesis: string, pinDescriptor: number): Promise<void> {
  const token = await openToken(config.token);
  try {
    const policy = await createBox(partsOf(config, token), readFileSync(genesis), readPinFromDescriptor(pinDescriptor));
    log.info({ appliance: config.appliance, genesis: hex(policy.digest), token: token.serial }, "created");
  } finally {
    await token.close();
  }
}

interface RecoverOptions {
  readonly from: string;
  readonly pinFd: string;
  readonly order?: string;
  readonly beyond: number;
  readonly reason: string;
}

async function recover(config: SignerConfig, options: RecoverOptions): Promise<void> {
  const pin = readPinFromDescriptor(Number(options.pinFd));
  const source = bundleFolder(options.from);
  const evidence = await readEvidence(nodeHost, source, config);
  const place = keysByEvidence(evidence, config).token;
  const token = await openToken(place);
  const parts = partsOf(config, token, place);
  try {
    if (options.order === undefined) {
      const { beyond, reason } = options;
      process.stdout.write(`${canonical(await surveyBox(parts, evidence, { beyond, reason }, pin))}\n`);
      return;
    }
    const { number, what } = await recoverBox(parts, evidence, readFileSync(options.order), pin);
    log.info({ appliance: config.appliance, next: what.manifests.next, order: number }, "made anew");
  } finally {
    source.close();
    await token.close();
  }
}

async function run(config: SignerConfig): Promise<void> {
  checkIsolation(config.isolation, readFileSync("/proc/self/status", "utf8"));
  const place = await tokenInForce(config, nodeHost);
  const token = await openToken(place, { mayBeAbsent: true });
  const attesting = await attestingBy(config);
  const box = await openBox({ ...partsOf(config, token, place), attesting });
  const work = new SealingWork(box);
  const staging = new Staging(box.db, nodeHost);
  const onFault = (method: string, fault: unknown) => log.error({ method, err: fault }, "fault");
  const servers = [
    await serve(socketAt("signer", config.socket), guarded(box, signerMethods(box, work, staging)), { onFault }),
    await serve(socketAt("unlock", config.unlockSocket), guarded(box, unlockMethods(box, work)), { onFault }),
  ];
  if (box.fault) log.error({ ...box.fault.toRecord() }, "the record does not verify: the box is stopped");
  log.info({ appliance: config.appliance, policy: box.policies.inForce.number }, "locked, waiting for unlock");
  const look = () => lookAround(box, work).catch((fault) => log.error({ err: fault }, "looking around failed"));
  const timer = setInterval(() => void look(), lookSeconds * 1000);
  await Promise.race([stopSignal(), moved(box)]);
  clearInterval(timer);
  await stopBox({ box, work, token, servers }, (step, fault) => log.error({ step, err: fault }, "fault in stopping"));
  log.info("stopped");
  process.exit(0);
}

/** Refuses CONFIG where the TPM's record cannot be read; the TPM itself is asked when there is something to say. */
async function attestingBy({ appliance, attestation }: SignerConfig): Promise<Attesting | undefined> {
  if (!attestation) return undefined;
  if (attestation.kind === "self-reported") return { machine: machineSays };
  const { ak, handle } = await deviceOf(nodeHost, attestation, appliance);
  const { bank, logs, pcrs, required, seconds, tpm } = attestation;
  const quote = tpmQuoter(nodeHost, { bank, handle, logs, pcrs, place: tpm as TpmPlace, seconds });
  return { machine: machineSays, tpm: { key: ak.name, quote, required } };
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}

/** Another token holds the keys in force: whoever started this process starts it again, and it opens that one. */
async function moved(box: Pick<Box, "moved">): Promise<void> {
  while (!box.moved) await setTimeout(1000, undefined, { ref: false });
  log.info("the keys in force are on another token: started anew, it opens that");
}

function partsOf(config: SignerConfig, token: Token, place = config.token): BoxParts {
  const crew = new SignCrew(token.module.place.module, availableParallelism());
  const hsm = new TokenHsm({
    token,
    heads: new HeadStore(token),
    appliance: config.appliance,
    signer: (key) => tokenSigner(token, key, crew),
    changePin: (oldPin, newPin) => changePin(token.module, place.uri, oldPin, newPin),
    compareKeys: (uris) => compareKeys(token, uris),
    ready: () => crew.start(),
    silence: () => crew.silence(),
    serialOf: (uri) => readTokenUri(uri).serial,
  });
  return {
    config,
    host: pooledHost,
    hsm,
    clocks: { wall: () => Date.now(), monotonic: () => performance.now() },
    readLinks: readInitialLinks,
    software: softwareOf(root),
  };
}

/** `provision DIR`: makes a complete TEST box. Only parses and wires; also does the jobs that `token-jobs.ts` hands out. */

import { CommanderError } from "commander";
import { generateKeys } from "../../hardware/generate.ts";
import { initializeToken } from "../../hardware/initialize.ts";
import { tokenSigner } from "../../hardware/sign.ts";
import { makeSoftHsmFolder } from "../../hardware/softhsm.ts";
import { openToken } from "../../hardware/token.ts";
import { endingRefusal, exitStatus, refusalLines } from "../../host/terminal/refusal-lines.ts";
import { styleFor } from "../../host/terminal/style.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { base64, fromBase64, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { type BoxOptions, provisionCommand, provisionedLines } from "./command.ts";
import { provision } from "./provision.ts";
import { answerJob, type MakeJob, type SignJob, tokenJobWord } from "./token-jobs.ts";

if (process.argv[2] === tokenJobWord) {
  await answerJob((job) => (job.job === "make" ? make(job) : sign(job)));
} else {
  await provisionCommand(makeBox).parseAsync().catch(end);
}

async function makeBox(dir: string, options: BoxOptions): Promise<void> {
  const onStep = (step: string) => process.stderr.write(`${step}\n`);
  const paths = await provision(dir, { ...options, onStep });
  const text = options.json
    ? JSON.stringify(paths, null, 2)
    : provisionedLines(paths, options.plainEnvelopes !== undefined).join("\n");
  process.stdout.write(`${text}\n`);
}

function end(fault: unknown): void {
  if (fault instanceof CommanderError) {
    process.exitCode = fault.exitCode === 0 ? 0 : exitStatus.usage;
    return;
  }
  const refusal = endingRefusal(fault);
  const lines = refusalLines(refusal, "the box was not made", styleFor(process.stderr, process.env));
  process.stderr.write(`${lines.join("\n")}\n`);
  process.exitCode = exitStatus[refusal.kind];
}

async function make(job: MakeJob): Promise<Json> {
  const place = await makeSoftHsmFolder(job.folder);
  const [pin, soPin] = [utf8(job.pin), utf8(job.soPin)];
  try {
    const { serial, uri } = await initializeToken(place, { label: job.label, soPin, pin });
    const keys = await generateKeys({ ...place, uri }, pin, job.keys);
    return {
      keys: keys.map((key) => ({ spki: base64(key.spki), uri: key.uri })),
      place: { environment: place.environment, module: place.module },
      serial,
      uri,
    };
  } finally {
    pin.fill(0);
    soPin.fill(0);
  }
}

async function sign(job: SignJob): Promise<Json> {
  const token = await openToken({ ...job.place, uri: job.token });
  const pin = utf8(job.pin);
  try {
    await token.login(pin);
    const key = { uri: job.key.uri, spki: fromBase64(job.key.spki), suite: suiteOf(job.suite) };
    return { signature: base64(await tokenSigner(token, key).sign(fromBase64(job.message))) };
  } finally {
    pin.fill(0);
    await token.close();
  }
}

/** Wires `coldseal ledger acknowledge`: brings out what is stored, then writes each box's ack.p7m onto sticks. */

import { existsSync, readFileSync } from "node:fs";
import { exitStatus, refusalJson } from "../../host/terminal/refusal-lines.ts";
import { shown } from "../../manifests/records/names.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import { type Acknowledged, acknowledge } from "../acknowledge/acknowledge.ts";
import { putOntoStick } from "../acknowledge/onto-stick.ts";
import { boxNamed } from "../boxes/enrolled.ts";
import { bringOut } from "../checkpoints/bring-out.ts";
import { lastPublished } from "../checkpoints/last-published.ts";
import type { Signed } from "../checkpoints/signed.ts";
import { signerFolder } from "../client/open-signer.ts";
import { certificateFile } from "../signer/methods.ts";
import { broughtOutLines } from "./checkpoint-words.ts";
import { type OpenedLog, type SigningOptions, withLog } from "./opened-log.ts";

export interface AcknowledgeOptions extends SigningOptions {
  readonly box?: string;
}

/** Ends with what the newest checkpoint waits for, else with the code of the first box that is refused; what was written stays. */
export async function runAcknowledge(
  folder: string,
  sticks: readonly string[],
  options: AcknowledgeOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const certificate = acknowledgementCertificate(folder);
  await withLog(folder, options, async (opened) => {
    const { ledger, settings, signer } = opened;
    tell("what was stored, signed or cosigned stays so; nothing was written onto a stick");
    const say = (line: string) => options.json || process.stdout.write(`${line}\n`);
    const out = await bringOut(opened);
    for (const line of broughtOutLines(out, settings)) say(line);
    const checkpoint = out.published ?? (await older(opened, out.waiting));
    if (!out.published && checkpoint)
      say(`acknowledging under the last that is published everywhere, of ${checkpoint.size} entries`);
    const only = options.box === undefined ? {} : { only: await numberOf(opened, options.box) };
    const done = checkpoint ? await acknowledge({ ledger, checkpoint, certificate, signer, ...only }) : [];
    const told: Told[] = [];
    for (const one of done) {
      const written = await writtenOnto(sticks, one);
      told.push({ ...one, written });
      say(lineOf(one, written));
    }
    tell("what was written onto sticks stays there");
    const refusal = out.waiting ?? done.flatMap((one) => (one.kind === "refused" ? [one.refusal] : []))[0];
    if (options.json) {
      process.stdout.write(
        `${JSON.stringify({ boxes: told.map(plain), ...(refusal && refusalJson(refusal, "see boxes")) })}\n`,
      );
      if (refusal) process.exitCode = exitStatus[refusal.kind];
    } else if (refusal) throw refusal;
  });
}

type Told = Acknowledged & { readonly written: readonly string[] };

/** Refuses CONFIG before there is one. */
function acknowledgementCertificate(folder: string): Uint8Array {
  const path = certificateFile(signerFolder(folder));
  if (existsSync(path)) return new Uint8Array(readFileSync(path));
  throw new Refusal("CONFIG", "the acknowledgement key has no certificate yet", {
    expected: "`coldseal ledger keys FOLDER --certificate FILE`",
    about: path,
  });
}

async function older({ ledger, places, settings }: OpenedLog, waiting: Refusal | null): Promise<Signed | undefined> {
  const checkpoint = await lastPublished(ledger.db, settings, places);
  if (!checkpoint && waiting) throw waiting;
  return checkpoint;
}

async function numberOf({ ledger }: OpenedLog, name: string): Promise<number> {
  return (await ledger.db.reading((sql) => boxNamed(sql, name))).box;
}

async function writtenOnto(sticks: readonly string[], one: Acknowledged): Promise<readonly string[]> {
  if (one.kind !== "acknowledged") return [];
  const paths: string[] = [];
  for (const stick of sticks)
    paths.push(`${stick.replace(/\/+$/, "")}/${await putOntoStick(stick, one.genesis, one.file)}`);
  return paths;
}

function lineOf(one: Acknowledged, written: readonly string[]): string {
  const box = `${shown(one.appliance ?? "a box")} (genesis ${one.genesis.slice(0, 16)})`;
  switch (one.kind) {
    case "nothing":
      return `${box}: ${one.why}`;
    case "refused":
      return `${box}: NOT ACKNOWLEDGED: ${inOneLine(one.refusal.toRecord())}`;
    case "acknowledged":
      return `${box}: acknowledged up to manifest ${one.number}${one.fresh ? "" : ", as before"}: ${written.map(shown).join(", ")}`;
  }
}

function plain(one: Told) {
  const { appliance, genesis, kind, written } = one;
  switch (one.kind) {
    case "nothing":
      return { appliance, genesis, kind, why: one.why };
    case "refused":
      return { appliance, genesis, kind, refusal: one.refusal.toRecord() };
    case "acknowledged":
      return { appliance, genesis, kind, fresh: one.fresh, number: one.number, size: one.size, written };
  }
}

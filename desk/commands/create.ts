/** Wires `coldseal batch create`: reads the key, makes the batch, prints the slip. */

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { count, size } from "../../host/terminal/amounts.ts";
import { progressLine } from "../../host/terminal/progress.ts";
import { openPrompter } from "../../host/terminal/prompter.ts";
import { readSecret } from "../../host/terminal/secret-descriptor.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { type Utc, utc, utcOf } from "../../manifests/encoding/shape.ts";
import { checkBatchFolder } from "../../manifests/records/names.ts";
import type { Mode } from "../../manifests/records/request.ts";
import { isBatchId, readRequestHead } from "../../manifests/records/request.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type BatchOrder, createBatch } from "../batch-create.ts";
import { readBounded } from "../bounded-file.ts";
import { fileFault } from "../file-fault.ts";
import { type Slip, slipLines } from "../slip.ts";
import { openPkcs12, type SubmitterKey } from "../submitter-key.ts";

/** A key file with its chain, a password. */
const largest = 1 << 20;

export interface CreateOptions {
  readonly to: string;
  readonly key?: string;
  readonly token?: string;
  readonly passwordFile?: string;
  readonly passwordFd?: string;
  readonly purpose: string;
  readonly mode: Mode;
  readonly batch?: string;
  readonly folder?: string;
  readonly expires: string;
  readonly digest: HashName;
  readonly slip?: string;
  readonly arc: string;
  readonly json?: boolean;
}

/** Opens a key on a token: `configuration` names it, `pin` unlocks it. Supplied by the main, which may use hardware. */
export type OpenTokenKey = (
  configuration: string,
  hash: HashName,
  askPin: (token: string) => Promise<Uint8Array>,
) => Promise<OpenedKey>;

interface OpenedKey {
  readonly key: SubmitterKey;
  close(): Promise<void>;
}

/** `tell` is told what holds from then on, whatever fails later. */
export async function runCreate(
  documents: readonly string[],
  options: CreateOptions,
  openTokenKey: OpenTokenKey,
  tell: (consequence: string) => void,
): Promise<void> {
  tell("no batch was made");
  const order = orderOf(documents, options);
  if (options.slip) checkSlipPlace(options.slip, options.to);
  const opened = await openKey(options, openTokenKey);
  try {
    const slip = await copyAndSign(order, opened.key, options.arc);
    tell(`the batch lies on the stick; its slip was printed, and not written to ${options.slip}`);
    const lines = `${slipLines(slip).join("\n")}\n`;
    process.stdout.write(options.json ? `${JSON.stringify(slip)}\n` : `\n${lines}`);
    if (options.slip) await writeSlip(options.slip, lines);
  } finally {
    await opened.close();
  }
}

function checkSlipPlace(slip: string, stick: string): void {
  if (!resolve(slip).startsWith(`${resolve(stick)}/`)) return;
  throw new Refusal("USAGE", "the slip would lie on the stick: words that travel with the batch prove nothing", {
    expected: "--slip with a file that is not on the stick",
    got: slip,
  });
}

async function copyAndSign(order: BatchOrder, key: SubmitterKey, arc: string): Promise<Slip> {
  const progress = progressLine(process.stderr);
  try {
    const slip = await createBatch(order, key, ownOids(arc), ({ documents, of, bytes, ofBytes }) =>
      progress.show(`copying ${documents} of ${count(of, "document")}, ${size(bytes)} of ${size(ofBytes)}`),
    );
    progress.end(
      `copied and signed ${count(slip.count, "document")}, ${size(slip.bytes)}; you may remove the stick now`,
    );
    return slip;
  } finally {
    progress.end();
  }
}

async function writeSlip(path: string, lines: string): Promise<void> {
  await writeFile(path, lines).catch((fault) => {
    throw fileFault(fault, "write a file", path);
  });
}

function orderOf(documents: readonly string[], options: CreateOptions): BatchOrder {
  const now = Date.now();
  const batch = options.batch ?? utcOf(now).replaceAll(":", "").toLowerCase();
  if (!isBatchId(batch)) {
    throw new Refusal("USAGE", "--batch is no batch id", {
      expected: "1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit",
      got: batch,
    });
  }
  const order = {
    documents,
    stick: options.to,
    batch,
    folder: options.folder ?? batch.toLowerCase(),
    purpose: options.purpose,
    mode: options.mode,
    expires: expiry(options.expires, now),
    digest: options.digest,
    now,
  };
  checkBatchFolder(order.folder);
  const { expires, mode, purpose, digest } = order;
  readRequestHead(
    { batch, digestAlgorithm: digest, expires, mode, purpose, type: "batch-request", version: 1 },
    "batch",
  );
  return order;
}

/** `12h`, `7d`, or a UTC time. */
function expiry(text: string, now: number): Utc {
  const span = /^([1-9][0-9]{0,4})([hd])$/.exec(text);
  if (!span) return utcTime(text);
  return utcOf(now + Number(span[1]) * (span[2] === "h" ? 3_600_000 : 86_400_000));
}

function utcTime(text: string): Utc {
  try {
    return utc(text, "--expires");
  } catch (cause) {
    throw new Refusal("USAGE", "--expires is no time", {
      expected: "hours or days from now (12h, 7d), or a UTC time like 2026-11-23T12:00:00Z",
      got: text,
      cause,
    });
  }
}

async function openKey(options: CreateOptions, openTokenKey: OpenTokenKey): Promise<OpenedKey> {
  if ((options.key === undefined) === (options.token === undefined)) {
    throw new Refusal("USAGE", "say with which key the batch is signed", {
      expected: "either --key FILE.p12 or --token FILE",
      got: options.key === undefined ? "neither" : "both",
    });
  }
  if (options.token)
    return openTokenKey(options.token, options.digest, (of) => secret(options, `Type the PIN of ${of}: `));
  const file = options.key as string;
  const bytes = await readBounded(file, largest);
  const password = await secret(options, `Type the password of your key file ${file}: `);
  try {
    return { key: openPkcs12(bytes, password, options.digest), close: async () => undefined };
  } finally {
    password.fill(0);
  }
}

async function secret(options: CreateOptions, question: string): Promise<Uint8Array> {
  if (options.passwordFd !== undefined) return readSecret(Number(options.passwordFd));
  if (options.passwordFile !== undefined) {
    const bytes = await readBounded(options.passwordFile, largest);
    const end = bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d);
    return bytes.subarray(0, end === -1 ? bytes.length : end);
  }
  const prompter = openPrompter(process.stdin, process.stderr);
  try {
    return await prompter.secret(question);
  } finally {
    prompter.close();
  }
}

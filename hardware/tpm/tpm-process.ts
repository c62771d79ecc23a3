/**
 * A TPM, asked by a process of its own: the kernel may keep whoever asks it waiting, and what it and the logs say is read there first. The
 * process may read its code and the logs, and open the TPM; nothing else. When its time is over it is ended.
 */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { isRefusalCode, Refusal } from "../../manifests/refusal.ts";
import type { TpmPlace } from "./connection.ts";
import type { TpmJob } from "./job.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Most bytes of an answer: two logs in base64, and the rest. */
const answerLimit = 4 << 20;

/** Does a job within `seconds`, from the process's start on. Refuses TPM-GONE, also when the time is over, TPM-FAULT, QUOTE-KEY, QUOTE-FORM. */
export async function askTpm(place: TpmPlace, job: TpmJob, seconds: number): Promise<Json> {
  const logs = job.job === "quote" ? Object.values(job.logs) : [];
  const code = ["hardware/tpm", "host", "manifests", "package.json"].map((name) => join(root, name));
  const grants =
    "device" in place
      ? [`--allow-fs-read=${place.device}`, `--allow-fs-write=${place.device}`]
      : [`--allow-fs-read=${place.socket}`, "--allow-net"];
  const args = [
    "--permission",
    "--no-addons",
    "--disable-sigusr1",
    "--max-old-space-size=64",
    ...[...code, ...logs].map((path) => `--allow-fs-read=${path}`),
    ...grants,
    join(root, "hardware/tpm/main.ts"),
  ];
  return answerOf(await run(args, JSON.stringify({ place, job }), seconds));
}

/** What the process prints. */
function run(args: readonly string[], order: string, seconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { LANG: "C.UTF-8", TZ: "UTC" },
      stdio: ["pipe", "pipe", "ignore"],
    });
    const pieces: Buffer[] = [];
    let total = 0;
    const stop = (refusal: Refusal) => {
      clearTimeout(timer);
      // One that the kernel keeps waiting ends when that lets it go; nobody waits for it here.
      child.kill("SIGKILL");
      child.stdin.destroy();
      child.stdout.destroy();
      child.unref();
      reject(refusal);
    };
    const timer = setTimeout(() => {
      const detail = { expected: `an answer within ${seconds} s`, got: "none" };
      stop(new Refusal("TPM-GONE", "the TPM does not answer in time", detail));
    }, seconds * 1000);
    child.once("error", (cause) => stop(new Refusal("TPM-FAULT", "the TPM's process cannot be started", { cause })));
    child.stdin.on("error", () => undefined).end(order);
    child.stdout.on("data", (piece: Buffer) => {
      pieces.push(piece);
      total += piece.length;
      if (total > answerLimit) stop(new Refusal("TPM-FAULT", "the TPM's process answers too much"));
    });
    child.once("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(pieces).toString("utf8"));
    });
  });
}

function answerOf(text: string): Json {
  let answer: { readonly [name: string]: Json };
  try {
    answer = JSON.parse(text) as { readonly [name: string]: Json };
  } catch (cause) {
    throw new Refusal("TPM-FAULT", "the TPM's process ended without an answer", { cause });
  }
  const { refusal, result } = answer;
  if (result !== undefined) return result;
  const { code, message } = refusal as { readonly code: string; readonly message: string };
  if (!isRefusalCode(code)) throw new Refusal("TPM-FAULT", message);
  throw Refusal.fromRecord(refusal as never);
}

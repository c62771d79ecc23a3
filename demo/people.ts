/**
 * The people of the demo. They run the real command lines as processes and answer what these ask: the PIN on a
 * descriptor, the words from the submitter's slip, the exact `Yes`.
 */

import { readFile } from "node:fs/promises";
import type { BoxPaths, OperatorPaths } from "../ceremony/provision/layout.ts";
import type { RehearsedBox } from "../ceremony/rehearse/rehearsed-box.ts";
import type { Slip } from "../desk/slip.ts";
import { Refusal } from "../manifests/refusal.ts";
import { type Ran, type RunOptions, runCommand } from "./run-command.ts";

/** Runs `ceremony` as an operator, with the operator's PIN on descriptor 3. */
export async function asOperator(
  operator: OperatorPaths,
  args: readonly string[],
  options: Omit<RunOptions, "secret"> & { readonly pin?: string } = {},
): Promise<Ran> {
  const secret = await readFile(options.pin ?? operator.pin);
  return runCommand("ceremony/main.ts", ["--as", operator.operatorJson, "--pin-fd", "3", ...args], {
    ...options,
    secret,
  });
}

/** Approves a batch with the slip in hand; follows it to its end when `watch` is set. */
export async function approve(
  operator: OperatorPaths,
  slip: Slip,
  options: { readonly watch?: boolean; readonly onText?: (text: string) => void } = {},
): Promise<Ran> {
  const args = ["approve", slip.folder, ...(options.watch ? ["--watch"] : [])];
  return asOperator(operator, args, { answer: (printed) => answer(printed, slip), ...options });
}

/** What a person with the slip types at the last question that was printed. */
export function answer(printed: string, slip: Slip): string | undefined {
  const group = /Type group (\d+) of the slip \(two words\): $/.exec(printed);
  if (group) return slip.words[Number(group[1]) - 1];
  return /Type Yes to [^\n]*: $/.test(printed) ? "Yes" : undefined;
}

/** Unlocks the box with its PIN, as the first operator. */
export async function unlock(box: BoxPaths): Promise<Ran> {
  const [first] = box.operators;
  if (!first) throw new Refusal("CONFIG", "a box without operators");
  return asOperator(first, ["unlock"], { pin: box.box.pin });
}

/** Unlocks a box that came to be by ceremonies, with the shares of these holders. */
export async function unlockByShares({ paths, cast, shares }: RehearsedBox, holders: readonly string[]): Promise<Ran> {
  const [first] = paths.operators;
  if (!first) throw new Refusal("CONFIG", "a box without operators");
  const files = holders.map((holder) => shares.get(holder) ?? "");
  const answers = (printed: string) => {
    const holder = /The passphrase of share \d+ of \d+, ([a-z0-9-]+)'s: $/.exec(printed)?.[1];
    return holder === undefined ? undefined : cast.secret(holder, "passphrase");
  };
  return runCommand("ceremony/main.ts", ["--as", first.operatorJson, "unlock", "--share", ...files], {
    answer: answers,
  });
}

/** Makes a batch as the submitter at the connected desk, and gives the slip. */
export async function submit(box: BoxPaths, documents: readonly string[], args: readonly string[]): Promise<Slip> {
  const secret = await readFile(box.pki.submitterPassword);
  const key = ["--key", box.pki.submitterP12, "--password-fd", "3"];
  const command = ["--json", "batch", "create", ...documents, "--to", box.stick, "--mode", "test", ...key, ...args];
  const ran = await runCommand("desk/main.ts", command, { secret });
  return JSON.parse(succeeded(ran, "coldseal batch create").stdout) as Slip;
}

/** The run as it was, or a failure that shows what was printed. */
export function succeeded(ran: Ran, what: string): Ran {
  if (ran.status === 0) return ran;
  throw new Error(`${what} ended with ${ran.status}:\n${ran.stdout}${ran.stderr}`);
}

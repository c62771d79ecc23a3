/** What may happen once in all of a chain, or in one way only: a batch sealed, an authorisation used, a key's mode, a policy's number and audit key. */

import { compare } from "../../encoding/bytes.ts";
import type { Manifest } from "../../records/manifest.ts";
import { type NumberRange, rangesOf } from "../../records/number-ranges.ts";
import type { Mode } from "../../records/request.ts";
import type { ChainFindings } from "./chain-findings.ts";
import { fileOf } from "./chain-links.ts";
import type { SeenManifests } from "./seen-manifests.ts";

/** Digests that are kept of a chain; more than this no box has, and what is beyond is not looked at. */
const mostKept = 10_000;

/** Told manifest by manifest, in any order. POLICY-CHAIN: two policies of a number. MANIFEST-BIND: two audit keys under a policy. MODE: a sealing key in two modes. */
export class ChainUses {
  readonly #policies = new Map<number, { readonly digest: string; readonly audit: string; readonly file: string }>();
  readonly #keys = new Map<string, { readonly mode: Mode; readonly file: string }>();

  take({ keys, mode, policy }: Manifest, file: string, findings: ChainFindings): void {
    const { digest, number } = policy;
    const known = this.#policies.get(number);
    const audit = keys.audit.key;
    if (!known && this.#policies.size < mostKept) this.#policies.set(number, { digest, audit, file });
    if (known && known.digest !== digest) {
      const detail = { expected: `${known.digest}, as in ${known.file}`, got: digest };
      findings.add(file, "POLICY-CHAIN", `two policies have number ${number}`, detail);
    } else if (known && known.audit !== audit) {
      const detail = { expected: `${known.audit}, as in ${known.file}`, got: audit };
      findings.add(file, "MANIFEST-BIND", `policy ${number} has one audit key, and manifests name two`, detail);
    }
    const sealer = this.#keys.get(keys.sealing.key);
    if (!sealer && this.#keys.size < mostKept) this.#keys.set(keys.sealing.key, { mode, file });
    if (sealer && sealer.mode !== mode) {
      const detail = { expected: `${sealer.mode}, as in ${sealer.file}`, got: mode };
      findings.add(file, "MODE", "one sealing key was used in two modes", detail);
    }
  }
}

/** SEAL-ONCE: what two manifests sealed, unless `maySealAgain` says so of the earlier. NONCE-USED: an authorisation that two manifests name. */
export function judgeOnce(
  chain: SeenManifests,
  maySealAgain: (number: number) => boolean,
  findings: ChainFindings,
): void {
  for (const [before, row] of pairs(chain, "identity", (row) => chain.isSealed(row))) {
    if (maySealAgain(before.number)) continue;
    const detail = { expected: "an order that lets it be sealed once more", got: "none that is here and holds" };
    findings.add(
      fileOf(row),
      "SEAL-ONCE",
      `number ${row.number} sealed what number ${before.number} had sealed`,
      detail,
    );
  }
  for (const [before, row] of pairs(chain, "nonce", () => true)) {
    findings.add(fileOf(row), "NONCE-USED", `number ${row.number} names the authorisation of number ${before.number}`);
  }
}

/** POLICY-CHAIN: a policy that was followed by another comes back. */
export function judgePolicyOrder(chain: SeenManifests, findings: ChainFindings): void {
  let highest: { readonly policy: number; readonly number: number } | undefined;
  for (const row of chain.byNumber()) {
    const one = chain.at(row);
    if (highest && one.policy < highest.policy) {
      const detail = {
        expected: `${highest.policy} or a later one, as of number ${highest.number}`,
        got: `${one.policy}`,
      };
      findings.add(
        fileOf(one),
        "POLICY-CHAIN",
        `number ${one.number} is under an older policy than one before it`,
        detail,
      );
    } else highest = { policy: one.policy, number: one.number };
  }
}

/** Which numbers each mode has. */
export function modesOf(
  chain: SeenManifests,
): readonly { readonly mode: Mode; readonly numbers: readonly NumberRange[] }[] {
  const byMode = new Map<Mode, number[]>();
  for (const row of chain.byNumber()) {
    const mode = chain.mode(row);
    const numbers = byMode.get(mode) ?? [];
    numbers.push(chain.number(row));
    byMode.set(mode, numbers);
  }
  return [...byMode].map(([mode, numbers]) => ({ mode, numbers: rangesOf(numbers) }));
}

/** Rows beside each other that have the same digest and different numbers. */
function* pairs(chain: SeenManifests, name: "identity" | "nonce", counts: (row: number) => boolean) {
  let before: number | undefined;
  for (const row of chain.by(name)) {
    if (!counts(row)) continue;
    const same = before !== undefined && compare(chain.bytes(before, name), chain.bytes(row, name)) === 0;
    if (before !== undefined && same && chain.number(before) !== chain.number(row))
      yield [chain.at(before), chain.at(row)] as const;
    before = row;
  }
}

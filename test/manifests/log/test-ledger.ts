/** A ledger in memory, with real keys: a log, its witnesses, and acknowledgements of what it holds of a box; wrong where a test changes something. */

import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import {
  type AcknowledgedManifest,
  type Acknowledgement,
  acknowledgementBytes,
} from "../../../manifests/log/acknowledgement.ts";
import { entryBytes } from "../../../manifests/log/entry.ts";
import type { TreeHead } from "../../../manifests/log/tree-proof.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import type { LedgerRules } from "../../../manifests/records/policy-ledger.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";
import { type LogKey, logKey, signedCheckpoint } from "./log-keys.ts";
import { consistencyPath, inclusionPath, mth } from "./reference-tree.ts";

export const oids = ownOids(documentationArc);
export const ledgerRoot = makeRoot({ name: "Ledger root" });
export const acknowledger = issue(ledgerRoot, { name: "ledger", eku: [oids.acknowledging] });

export interface BoxName {
  readonly appliance: string;
  readonly genesis: string;
}

/** A manifest by number and the SHA-256 of its content, hex. */
export interface Held {
  readonly number: number;
  readonly digest: string;
}

export interface AcknowledgementOf {
  readonly box: BoxName;
  /** what of the box it names; all that is held unless said */
  readonly above?: number;
  /** sizes that it leads on from */
  readonly from?: readonly number[];
  /** of the tree; all of it unless said */
  readonly size?: number;
  readonly change?: (acknowledgement: Acknowledgement) => Acknowledgement;
  readonly by?: Issued;
  readonly eContentType?: string;
  readonly signed?: Utc;
  /** who cosigns; all unless said */
  readonly witnesses?: readonly LogKey[];
}

export class TestLedger {
  readonly #leaves: Uint8Array[] = [];
  readonly #held: (Held & BoxName & { readonly index: number; readonly salt: Uint8Array })[] = [];
  readonly log: LogKey;
  readonly witnesses: readonly LogKey[];

  private constructor(log: LogKey, witnesses: readonly LogKey[]) {
    this.log = log;
    this.witnesses = witnesses;
  }

  static async make(origin = "ledger.example/log"): Promise<TestLedger> {
    const witness = (name: string) => logKey(name, "cosignature/v1");
    return new TestLedger(await logKey(origin), [
      await witness("witness.example/1"),
      await witness("witness.example/2"),
    ]);
  }

  get size(): number {
    return this.#leaves.length;
  }

  rules(change: Partial<LedgerRules> = {}): LedgerRules {
    return {
      acknowledgement: acknowledger.certificate,
      checkpointKey: verifierKeyText(this.log.vkey),
      cosignatures: 1,
      origin: this.log.vkey.name,
      witnesses: this.witnesses.map(({ vkey }) => verifierKeyText(vkey)),
      ...change,
    };
  }

  /** Entries of others. */
  async fill(count: number): Promise<void> {
    for (let at = 0; at < count; at++) this.#leaves.push(utf8(`another entry ${this.size}`));
  }

  async hold(box: BoxName, ...manifests: readonly Held[]): Promise<void> {
    for (const { digest, number } of manifests) {
      const salt = sha256(utf8(`salt ${this.size}`));
      const record = { ...box, digest, number, type: "manifest", version: 1 } as const;
      this.#held.push({ ...box, digest, number, index: this.size, salt });
      this.#leaves.push(await entryBytes(nodeHost, salt, record));
    }
  }

  head(size = this.size): TreeHead {
    return { root: mth(this.#leaves.slice(0, size)), size };
  }

  checkpoint(size = this.size, witnesses = this.witnesses): Uint8Array {
    return signedCheckpoint({ ...this.head(size), origin: this.log.vkey.name }, this.log, witnesses);
  }

  content(wanted: AcknowledgementOf): Acknowledgement {
    const { above = 0, box, change = (same) => same, from = [], size = this.size, witnesses } = wanted;
    const leaves = this.#leaves.slice(0, size);
    const mine = this.#held.filter(
      ({ appliance, genesis, index }) => appliance === box.appliance && genesis === box.genesis && index < size,
    );
    const acknowledged = mine
      .filter(({ number }) => number > above)
      .map(
        ({ digest, index, number, salt }): AcknowledgedManifest => ({
          digest,
          index,
          number,
          path: inclusionPath(index, leaves).map(hex),
          salt: hex(salt),
        }),
      );
    return change({
      acknowledged,
      ...box,
      checkpoint: this.checkpoint(size, witnesses),
      consistency: from.map((one) => ({ path: consistencyPath(one, leaves).map(hex), size: one })),
      number: Math.max(1, ...mine.map(({ number }) => number)),
      origin: this.log.vkey.name,
      type: "acknowledgement",
      version: 1,
    });
  }

  async acknowledgement(wanted: AcknowledgementOf): Promise<Uint8Array> {
    const { by = acknowledger, eContentType = oids.acknowledgement, signed = "2026-11-20T12:00:00Z" } = wanted;
    const content = acknowledgementBytes(this.content(wanted));
    return signContent(nodeHost, by.signingKey, { eContentType, content, signingTime: signed });
  }
}

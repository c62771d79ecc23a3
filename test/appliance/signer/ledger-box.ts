/** A box whose policy names a ledger in memory, and what that ledger holds of it. */

import { sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { LedgerRules } from "../../../manifests/records/policy-ledger.ts";
import { type AcknowledgementOf, type Held, TestLedger } from "../../manifests/log/test-ledger.ts";
import { fromNow, listOf, makeBatch } from "./people.ts";
import { TestBox } from "./test-box.ts";

export class LedgerBox {
  readonly box: TestBox;
  readonly ledger: TestLedger;

  /** Of a box whose policy names the ledger. */
  constructor(box: TestBox, ledger: TestLedger) {
    this.box = box;
    this.ledger = ledger;
  }

  /** Unlocked; the ledger holds entries of others before any of the box's. */
  static async make(change: Partial<LedgerRules> = {}): Promise<LedgerBox> {
    const ledger = await TestLedger.make();
    await ledger.fill(3);
    const box = await TestBox.make({ ledger: ledger.rules(change), version: 2 });
    await box.unlock();
    return new LedgerBox(box, ledger);
  }

  get name() {
    const { appliance, genesis } = this.box.config;
    return { appliance, genesis };
  }

  async seal(name: string, count = 1): Promise<number> {
    const batch = await makeBatch(listOf(count, name), { batch: name });
    await this.box.authorised(batch);
    return (await this.box.seal(batch)).number;
  }

  held(number: number): Held {
    const p7m = this.box.box.db
      .prepare<[number], Uint8Array>("SELECT p7m FROM manifests WHERE number = ?")
      .pluck()
      .get(number) as Uint8Array;
    return { number, digest: hex(sha256(readSignedData(p7m).content as Uint8Array)) };
  }

  /** The ledger takes manifests of the box, and an entry of another. */
  async hold(...numbers: readonly number[]): Promise<void> {
    await this.ledger.hold(this.name, ...numbers.map((number) => this.held(number)));
    await this.ledger.fill(1);
  }

  acknowledgement(wanted: Partial<AcknowledgementOf> = {}): Promise<Uint8Array> {
    return this.ledger.acknowledgement({ box: this.name, signed: fromNow(-10), ...wanted });
  }
}

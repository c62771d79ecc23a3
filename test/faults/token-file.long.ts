import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Batches } from "./batches.ts";
import { FaultBox } from "./fault-box.ts";
import { tokenPutBack } from "./token/token-file.ts";

let box: FaultBox;
beforeEach(async () => {
  box = await FaultBox.make();
});
afterEach(() => box.remove());

describe("SoftHSM's token.object", () => {
  it("HSM-TOKEN: lost in the middle of a batch, the box seals nothing and says that the token is gone; put back, the batch ends", async () => {
    const batches = new Batches(box);
    const life = await batches.plug("contracts");
    await life.untilApprovedOnce();
    await box.end("signer");
    const tokens = join(box.signer.folder, "token/tokens");
    const file = join(tokens, readdirSync(tokens)[0] as string, "token.object");
    truncateSync(file);
    await life.untilAnswered("signer");
    expect(life.restarted).toContain(tokenPutBack);
    expect(statSync(file).size).toBeGreaterThan(0);
    expect(life.end).toEqual({ number: 1 });
    expect([...life.broken, ...(await batches.judge([life]))]).toEqual([]);
  });
});

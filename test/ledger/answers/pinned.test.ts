/** What was pinned of a box: told in full, and refused where no record could ever come in under it. */

import { describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { pinnedOf } from "../../../ledger/answers/pinned.ts";
import { boxNamed } from "../../../ledger/boxes/enrolled.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { op1, op2, root, sealing } from "../../bundle/people.ts";
import { testLedger } from "../ingest/on-real-ledger.ts";
import { tamper } from "../tampering.ts";

const genesis = "ab".repeat(32);
describe("what was pinned of a box", () => {
  it("HONEST: is told by name and digest, also where the stored row was changed", async () => {
    const box = await testLedger();
    try {
      await box.enrol(genesis, { keepers: [op1.certificate, op2.certificate] });
      const asked = () => box.ledger.db.reading(async (sql) => pinnedOf(await boxNamed(sql, genesis)));
      expect(await asked()).toMatchObject({
        gapHours: 72,
        authorities: [],
        roots: [{ digest: hex(sha256(root.certificate)), name: expect.stringMatching(/^CN=/) }],
        keepers: [{ digest: hex(sha256(op1.certificate)) }, { digest: hex(sha256(op2.certificate)) }],
      });
      tamper(box, "UPDATE box_certificates SET der = ? WHERE purpose = 'keeper' AND position = 2", Uint8Array.of(0));
      expect((await asked()).keepers[1]).toEqual({ digest: hex(sha256(Uint8Array.of(0))), name: null });
    } finally {
      box.end();
    }
  });

  it("LEDGER-BOX: a root that issues no certificates pins nothing", async () => {
    const box = await testLedger();
    try {
      await expect(box.enrol(genesis, { roots: [sealing.certificate] })).rejects.toMatchObject({ code: "LEDGER-BOX" });
      await box.enrol(genesis);
    } finally {
      box.end();
    }
  });
});

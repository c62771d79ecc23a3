/** A ledger's keys on tokens of several makers, two of which make no Ed25519 keys. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inFolder, makers } from "../../hardware/makers/maker.ts";

const main = join(import.meta.dirname, "makers-main.ts");
const token = "checkpoints: token, acknowledgements: token";
const file = "checkpoints: file, acknowledgements: token";
const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "SoftHSM 2": { p256: token, "rsa-3072": token },
  openCryptoki: { p256: "HSM-UNSUPPORTED", "rsa-3072": file },
  "tpm2-pkcs11": { p256: file, "rsa-3072": "HSM-KEY because of HSM-FAULT" },
};

describe("a ledger's keys on tokens of several makers", () => {
  it.each(makers.filter(({ here }) => here))(
    "HONEST: of $name, where the record says, made and used; what it cannot is refused",
    async ({ name, tour }) => {
      expect(await inFolder((folder) => tour(folder, main))).toEqual(expected[name]);
    },
  );
});

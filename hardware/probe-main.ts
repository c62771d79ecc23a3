/**
 * Loads a PKCS#11 module in a process that may die of it, ends it again, and writes what it found as one line of JSON.
 * Usage: node probe-main.ts MODULE; the module's environment is the process's. Ends with 0, or 1 and the fault's text.
 */

import { writeSync } from "node:fs";
import pkcs11js from "pkcs11js";

const [, , path = ""] = process.argv;
try {
  const library = new pkcs11js.PKCS11();
  library.load(path);
  library.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  const { libraryDescription, manufacturerID } = library.C_GetInfo();
  const slots = library.C_GetSlotList(false).length;
  library.C_Finalize();
  writeSync(1, JSON.stringify({ description: libraryDescription.trim(), manufacturer: manufacturerID.trim(), slots }));
} catch (error) {
  writeSync(1, error instanceof Error ? error.message.split("\n", 1).join("") : "unknown");
  process.exitCode = 1;
}

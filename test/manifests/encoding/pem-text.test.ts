import { expect, it } from "vitest";
import { fromBase64 } from "../../../manifests/encoding/bytes.ts";
import { pemBlocks, pemText } from "../../../manifests/encoding/pem.ts";

it.each([1, 47, 48, 49, 96])("writes %i bytes without a blank line, whole lines too, and they read back", (length) => {
  const der = Uint8Array.from({ length }, (_, at) => at);
  const text = pemText(der, "CERTIFICATE");
  expect(text).not.toContain("\n\n");
  const [block = ""] = pemBlocks(new TextEncoder().encode(text), "CERTIFICATE");
  expect(fromBase64(block)).toEqual(der);
});

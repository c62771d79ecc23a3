import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readPinFromDescriptor, withPinText } from "../../hardware/pin.ts";
import { fromUtf8, utf8 } from "../../manifests/encoding/bytes.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-pin-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function descriptorOf(content: string | Uint8Array): number {
  const path = join(folder, "pin");
  writeFileSync(path, content);
  return openSync(path, "r");
}

describe("PINs", () => {
  it.each([
    ["1234\n", "1234"],
    ["1234", "1234"],
    ["pin with spaces \nmore\n", "pin with spaces "],
    ["ü".repeat(128), "ü".repeat(128)],
  ])("SECRET: %j on a descriptor is read to the line's end, and the descriptor closed", (content, pin) => {
    const descriptor = descriptorOf(content);
    expect(fromUtf8(readPinFromDescriptor(descriptor))).toBe(pin);
    expect(() => closeSync(descriptor)).toThrow(/EBADF/);
  });

  it.each(["", "\n", "\n1234", "x".repeat(257)])("SECRET: %j on a descriptor is no PIN", (content) => {
    expect(() => readPinFromDescriptor(descriptorOf(content))).toThrow(expect.objectContaining({ code: "SECRET" }));
  });

  it("SECRET: a descriptor that is not open is refused", () => {
    expect(() => readPinFromDescriptor(1_000_000)).toThrow(expect.objectContaining({ code: "SECRET" }));
  });

  it("PIN-WRONG: an empty PIN never reaches the token, which would take it for another way to log in", () => {
    const used: string[] = [];
    expect(() => withPinText(new Uint8Array(), (text) => used.push(text))).toThrow(
      expect.objectContaining({ code: "PIN-WRONG" }),
    );
    withPinText(utf8("1234"), (text) => used.push(text));
    expect(used).toEqual(["1234"]);
  });
});

/** A secret on a descriptor: read and closed, and never a descriptor that nobody handed over. */

import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkHandedOver, readSecret } from "../../../host/terminal/secret-descriptor.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-secret-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const linkOf = (at: number) => {
  try {
    return readlinkSync(`/proc/self/fd/${at}`);
  } catch {
    return "";
  }
};

describe("SECRET: a secret on a descriptor", () => {
  it("is its first line, and the descriptor is closed", () => {
    writeFileSync(join(dir, "secret"), "six random words\nmore\n");
    const at = openSync(join(dir, "secret"), "r");
    expect(Buffer.from(readSecret(at)).toString()).toBe("six random words");
    expect(() => fstatSync(at)).toThrow(/EBADF/);
  });

  it("refuses one that is not open, and what is no number", () => {
    const at = openSync(join(dir, "secret"), "r");
    closeSync(at);
    for (const none of [at, Number.NaN, -1, 1.5]) {
      expect(() => readSecret(none)).toThrow(expect.objectContaining({ code: "SECRET" }));
    }
  });

  it("refuses what the engine opened for itself, which it would abort without", () => {
    const queues = readdirSync("/proc/self/fd")
      .map(Number)
      .filter((at) => linkOf(at).startsWith("anon_inode:"));
    expect(queues.length).toBeGreaterThan(0);
    for (const at of queues) {
      expect(() => checkHandedOver(at)).toThrow(
        expect.objectContaining({ code: "SECRET", got: expect.stringMatching(/own/) }),
      );
      expect(() => fstatSync(at)).not.toThrow();
    }
  });
});

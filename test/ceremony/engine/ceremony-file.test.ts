import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-ceremony-file-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const person = (id: string, roles: readonly string[], more: object = {}) => ({
  id,
  name: `Person ${id}`,
  roles,
  ...more,
});
const people = [person("ada", ["administrator"]), person("wim", ["witness"]), person("op1", ["officer"])];
const right = {
  appliance: "box-1",
  archive: "2026-001",
  ceremony: "genesis",
  parameters: {},
  people,
  place: "Vault 2",
  scheduled: "2026-11-30T09:00:00Z",
  title: "Genesis of box-1",
  type: "ceremony",
  version: 1,
  video: null,
};

const read = (text: string) => {
  const path = join(dir, "file.json");
  writeFileSync(path, text);
  return () => readCeremonyFile(path);
};
const refusal = { code: "CEREMONY-FILE" };

describe("a ceremony file", () => {
  it("CEREMONY-FILE: one that says everything once is taken", () => {
    expect(read(JSON.stringify(right))()).toMatchObject({ archive: "2026-001", folder: dir });
  });

  it("CEREMONY-FILE: a member that stands twice is refused: reviewers may read the other one", () => {
    const text = JSON.stringify({ ...right, parameters: { thresholds: { policy: 2, seal: 2 } } });
    const twice = text.replace('"thresholds"', '"thresholds":{"policy":3,"seal":3},"thresholds"');
    expect(read(text)).not.toThrow();
    expect(read(twice)).toThrowError(expect.objectContaining({ ...refusal, got: "thresholds" }));
  });

  it("CEREMONY-FILE: without a witness who is not the one who leads, nobody checks", () => {
    for (const some of [
      people.filter(({ id }) => id !== "wim"),
      [person("ada", ["administrator", "witness"]), person("op1", ["officer"])],
    ]) {
      expect(read(JSON.stringify({ ...right, people: some }))).toThrowError(expect.objectContaining(refusal));
    }
    const two = [person("ada", ["administrator", "witness"]), person("bea", ["administrator"])];
    expect(read(JSON.stringify({ ...right, people: two }))).not.toThrow();
  });

  it("CEREMONY-FILE: a person's token is named by its serial", () => {
    const signs = (uri: string) => ({
      signs: { certificate: "op1.der", key: "pkcs11:id=%01", token: { environment: {}, module: "m.so", uri } },
    });
    const withToken = (uri: string) =>
      JSON.stringify({ ...right, people: [...people.slice(0, 2), person("op1", ["officer"], signs(uri))] });
    expect(read(withToken("pkcs11:token=op1;serial=6f2c"))).not.toThrow();
    expect(read(withToken("pkcs11:serial=6f2c"))).not.toThrow();
    for (const uri of ["pkcs11:token=op1", "pkcs11:serial=;token=op1", "pkcs11:token=a-serial=1"]) {
      expect(read(withToken(uri)), uri).toThrowError(expect.objectContaining(refusal));
    }
  });
});

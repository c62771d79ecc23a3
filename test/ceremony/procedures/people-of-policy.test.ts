import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { checkOfficersOf, checkPeopleOf } from "../../../ceremony/procedures/people-of-policy.ts";
import { op1, op2, root } from "../../bundle/people.ts";
import { makePolicy } from "../../bundle/signed.ts";
import { type Issued, issue } from "../../pki/authority.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-people-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const policy = makePolicy();
const mallory = issue(root, { name: "op2" });
const witness = { id: "wim", name: "Wim", roles: ["witness"] };

/** A ceremony file of these people. */
function fileOf(signers: Readonly<Record<string, Issued>>): CeremonyFile {
  const people = Object.entries(signers).map(([id, { certificate }]) => {
    const path = join(dir, `${id}.der`);
    writeFileSync(path, certificate);
    return { id, name: `Person ${id}`, roles: ["operator", "officer"], signs: { certificate: path } };
  });
  return { people: [witness, ...people] } as unknown as CeremonyFile;
}

describe("the people of a ceremony about a box", () => {
  it("PERSON-UNKNOWN: nobody passes as a person of the policy with another certificate, or under another's id", () => {
    expect(() => checkPeopleOf(fileOf({ op1, op2 }), [policy])).not.toThrow();
    for (const file of [fileOf({ op1, op2: mallory }), fileOf({ op1: op2, op2: op1 }), fileOf({ op1, op9: op2 })]) {
      expect(() => checkPeopleOf(file, [policy])).toThrowError(expect.objectContaining({ code: "PERSON-UNKNOWN" }));
    }
  });

  it("PERSON-UNKNOWN: whom the next policy names may come to its signing", () => {
    const people = policy.people.map((one) =>
      one.id === "op2" ? { ...one, certificates: [mallory.certificate] } : one,
    );
    expect(() => checkPeopleOf(fileOf({ op1, op2: mallory }), [policy, { ...policy, people }])).not.toThrow();
  });

  it("QUORUM: a file that names too few officers is refused before anybody types a PIN", () => {
    expect(() => checkOfficersOf(fileOf({ op1, op2 }), policy, 2)).not.toThrow();
    for (const file of [fileOf({ op1 }), fileOf({ op1, op2: mallory })]) {
      expect(() => checkOfficersOf(file, policy, 2)).toThrowError(expect.objectContaining({ code: "QUORUM" }));
    }
    expect(() => checkOfficersOf(fileOf({ op1 }), policy, 1)).not.toThrow();
  });
});

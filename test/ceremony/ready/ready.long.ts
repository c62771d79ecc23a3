import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { readiness } from "../../../ceremony/ready/ready.ts";
import { type RehearsedBox, rehearsedBox } from "../../../ceremony/rehearse/rehearsed-box.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { codeOf } from "../../appliance/signer/test-box.ts";

let dir: string;
let made: RehearsedBox;
let path: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "coldseal-ready-"));
  made = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256" }, { say: () => undefined });
  path = join(dir, "certificates.json");
}, 120_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const now = () => utcOf(Date.now());
const stateOf = async (file = path, at = now(), printer?: string) => {
  const { findings } = await readiness(readCeremonyFile(file), at, printer);
  return Object.fromEntries(
    findings.filter(({ state }) => state !== "well").map(({ about, state, detail }) => [about, `${state} ${detail}`]),
  );
};

interface Spoilt {
  scheduled: string;
  parameters: { stick: string; pin?: string; unlock: { shares: { file: string; person: string }[] } };
}

/** The second sitting's file, spoiled. */
async function spoiled(change: (file: Spoilt) => void): Promise<string> {
  const file = JSON.parse(await readFile(path, "utf8")) as Spoilt;
  change(file);
  const other = join(dir, "spoiled.json");
  await writeFile(other, JSON.stringify(file));
  return other;
}

describe("ceremony ready", () => {
  it("UX6: everything that the file names is looked at, and is well", async () => {
    const { findings, minutes } = await readiness(readCeremonyFile(path), now(), undefined);
    expect(findings.filter(({ state }) => state !== "well")).toEqual([]);
    expect(findings.map(({ about }) => about)).toEqual(
      expect.arrayContaining([
        "token of Officer 1 (made up) (op1)",
        "token of the box",
        "share of op3",
        "stick",
        "clock",
      ]),
    );
    expect(minutes).toBe(14);
  });

  it("HSM-GONE: a person's token that is not there is named", async () => {
    const folder = join(made.cast.officers[0]?.token.place.environment.SOFTHSM2_CONF ?? "", "../tokens");
    await rename(folder, `${folder}-away`);
    await mkdir(folder);
    expect(Object.keys(await stateOf())).toEqual(["token of Officer 1 (made up) (op1)"]);
    await rm(folder, { recursive: true });
    await rename(`${folder}-away`, folder);
  });

  it("PATH-TIME: certificates that end before the day, or soon after it, are named", async () => {
    const far = await spoiled((file) => Object.assign(file, { scheduled: "2040-01-01T00:00:00Z" }));
    expect((await stateOf(far))["certificate of Officer 1 (made up) (op1)"]).toContain("missing PATH-TIME");
    const scheduled = utcOf(Date.now() + 720 * 86_400_000);
    const late = await spoiled((file) => Object.assign(file, { scheduled }));
    expect((await stateOf(late))["certificate of Officer 2 (made up) (op2)"]).toContain("warning");
  });

  it("SHARES: a share that is gone, another holder's or changed is named, and too few of them", async () => {
    const swapped = await spoiled((file) => {
      const { unlock } = file.parameters;
      const [first, second] = unlock.shares;
      if (first && second) [first.file, second.file] = [second.file, "/nowhere.share"];
    });
    expect(await stateOf(swapped)).toMatchObject({
      "share of op1": expect.stringContaining("SHARE-FOREIGN: it is share 2 of 3, op2's"),
      "share of op2": expect.stringContaining("SHARE-SHORT"),
      "shares together": expect.stringContaining("1 of 2"),
    });
  });

  it("MEDIA-WRITE, PRINTER, CLOCK: the room is looked at too", async () => {
    const gone = await spoiled((file) => Object.assign(file.parameters, { stick: "/nowhere" }));
    expect((await stateOf(gone)).stick).toContain("MEDIA-WRITE");
    expect((await stateOf(path, now(), "no-such-printer"))["printer no-such-printer"]).toContain("PRINTER");
    expect((await stateOf(path, utcOf(Date.now() + 5 * 86_400_000))).clock).toContain("warning");
  });

  it("CEREMONY-FILE: a file that makes no ceremony is refused before anything is looked at", async () => {
    const unknown = await spoiled((file) => Object.assign(file.parameters, { pin: "1234" }));
    expect(await codeOf(Promise.resolve().then(() => readiness(readCeremonyFile(unknown), now(), undefined)))).toBe(
      "CEREMONY-FILE",
    );
  });
});

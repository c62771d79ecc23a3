import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { boxLayout } from "../../../ceremony/procedures/layout.ts";
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
  const held = JSON.parse(await readFile(join(dir, "certificates.json"), "utf8")) as object;
  path = join(dir, "not-begun.json");
  await writeFile(path, JSON.stringify({ ...held, archive: "R-900" }));
}, 600_000);
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
  parameters: {
    certificates: { audit: string[]; sealing: string[] };
    genesis: string;
    stick: string;
    pin?: string;
    unlock: { shares: { file: string; person: string }[] };
  };
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

  it("CEREMONY-STATE: certificates that are not there, or swapped, and another genesis than the box's are found days before", async () => {
    const lost = await spoiled(({ parameters }) => Object.assign(parameters.certificates, { audit: ["/nowhere.crt"] }));
    expect(await stateOf(lost)).toMatchObject({ opening: expect.stringContaining("CONFIG") });
    const swapped = await spoiled(({ parameters: { certificates } }) => {
      [certificates.audit, certificates.sealing] = [certificates.sealing, certificates.audit];
    });
    expect(await stateOf(swapped)).toMatchObject({ opening: expect.stringContaining("missing") });
    const records = boxLayout(made.wanted.box).records;
    const [genesis = ""] = (await readdir(records)).filter((name) => name.endsWith("-genesis"));
    await cp(join(records, genesis), join(records, "R-800-genesis"), { recursive: true });
    const entries = join(records, "R-800-genesis/entries.jsonl");
    const lines = (await readFile(entries, "utf8")).trimEnd().split("\n");
    const last = JSON.parse(lines.at(-1) ?? "") as object;
    await writeFile(entries, `${[...lines.slice(0, -1), JSON.stringify({ ...last, kind: "abandoned" })].join("\n")}\n`);
    const abandoned = await spoiled(({ parameters }) => Object.assign(parameters, { genesis: "R-800-genesis" }));
    expect(await stateOf(abandoned)).toMatchObject({ opening: expect.stringContaining("was not completed") });
    await rm(join(records, "R-800-genesis"), { recursive: true });
  });

  it("CEREMONY-STATE: a record of another file under this archive number is found, and a ceremony that is over", async () => {
    expect(await stateOf(join(dir, "certificates.json"))).toMatchObject({
      record: expect.stringContaining("completed"),
    });
    const corrected = await spoiled((file) => Object.assign(file, { archive: "R-002", title: "Corrected" }));
    expect(await stateOf(corrected)).toMatchObject({ record: expect.stringContaining("another archive number") });
  });

  it("STORE: a genesis on the folder of a box, and with a label that a token has, is found", async () => {
    const genesis = JSON.parse(await readFile(join(dir, "genesis.json"), "utf8")) as object;
    const again = join(dir, "again.json");
    await writeFile(again, JSON.stringify({ ...genesis, archive: "R-901" }));
    const found = await stateOf(again);
    expect(found.opening).toContain("STORE: this folder is a box already");
    expect(Object.entries(found).find(([about]) => about.startsWith("empty token"))?.[1]).toContain("label");
  });

  it("CEREMONY-FILE: a file that makes no ceremony is refused before anything is looked at", async () => {
    const unknown = await spoiled((file) => Object.assign(file.parameters, { pin: "1234" }));
    expect(await codeOf(Promise.resolve().then(() => readiness(readCeremonyFile(unknown), now(), undefined)))).toBe(
      "CEREMONY-FILE",
    );
  });
});

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renew } from "../../desk/anchor/renew.ts";
import { inspectFile, inspectionLines } from "../../desk/inspect.ts";
import { found } from "../../desk/verdict-words.ts";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { shown, shownText } from "../../manifests/records/names.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { buildBundle } from "../bundle/build.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { oids, root } from "../bundle/people.ts";
import { tsaRoot } from "../pki/tsa.ts";
import { anchored, lay } from "./container/packed.ts";
import { folder, write } from "./stick.ts";

describe("what the desk refuses, in words", () => {
  it("PATH-ROOT, UX4: a renewal under other roots says which file, which root was expected and which came, and leaves all as it is", async () => {
    const dir = folder();
    lay(dir, await anchored(await buildBundle()));
    const file = join(dir, "bundle/evidence/0001.ers");
    const before = readFileSync(file);
    const source = bundleFolder(join(dir, "bundle"));
    const wanted = { folder: join(dir, "bundle"), roots: [root.certificate], source, urls: ["http://127.0.0.1:9"] };
    await expect(renew(wanted, () => undefined).finally(() => source.close())).rejects.toMatchObject({
      code: "PATH-ROOT",
      message: "evidence/0001.ers cannot be renewed: its time-stamp is under none of the roots that you gave",
      expected: expect.stringMatching(
        /^--tsa-ca with the root above CN=.*, which issued CN=.*, whose time-stamp is renewed/,
      ),
      got: "CN=Root,O=Coldseal test",
      about: "evidence/0001.ers",
    });
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(tsaRoot.certificate).not.toEqual(root.certificate);
  });

  it("UX4: the page is not written over a file that is there, and says so in words", () => {
    const file = write(folder(), "page.html", "mine");
    const ran = spawnSync(process.execPath, ["desk/page/main.ts", file], { encoding: "utf8" });
    expect([ran.status, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr.replace(/\s+/g, " ")).toMatch(
      /^USAGE: .* cannot be written; the page was not written expected a name that nothing has yet: what is there is not written over got something there already \(EEXIST\) do now/,
    );
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  it("HONEST: --json has an indication of everything: of what cannot be read, and null where the command was refused", () => {
    const dir = folder();
    const ca = write(dir, "ca.der", root.certificate);
    const verify = (...words: readonly string[]) => {
      const ran = spawnSync(process.execPath, ["desk/main.ts", ...words], { encoding: "utf8" });
      return { status: ran.status, out: ran.stdout };
    };
    const junk = write(dir, "x.asice", "junk");
    const unread = verify("--json", "verify", junk, "--ca", ca);
    expect([unread.status, JSON.parse(unread.out)]).toMatchObject([
      4,
      { ok: false, indication: { main: "INDETERMINATE", sub: "SIGNED_DATA_NOT_FOUND", revocation: "none" } },
    ]);
    expect(verify("verify", junk, "--ca", ca).out).toMatch(/result +INDETERMINATE, SIGNED_DATA_NOT_FOUND \(ETSI/);
    for (const words of [[junk], ["/nowhere", "--ca", ca]]) {
      const refused = verify("verify", ...words, "--json");
      expect([refused.status, JSON.parse(refused.out)]).toMatchObject([
        2,
        { refusal: { code: "USAGE" }, indication: null },
      ]);
    }
    expect(JSON.parse(verify("inspect", "/nowhere", "--json").out)).not.toHaveProperty("indication");
  });

  it("T8, HONEST: a changed byte of evidence is a finding, and shows of no signature that it was changed", async () => {
    const made = await anchored(await buildBundle());
    const ers = made.files.get("evidence/0001.ers") as Uint8Array;
    for (const at of [1, 40, Math.floor(ers.length / 2), ers.length - 20]) {
      const copy = ers.slice();
      copy[at] = (copy[at] as number) ^ 1;
      const files = new Map(made.files).set("evidence/0001.ers", copy);
      const { findings, indication, ok } = await verifyBundle(nodeHost, memorySource({ ...made, files }), made);
      expect([ok, indication.main]).toEqual([false, "INDETERMINATE"]);
      expect([...new Set(findings.map(({ file }) => file))]).toEqual(["evidence/0001.ers"]);
    }
  });

  it("UX2: a name is escaped once, wherever it is told", async () => {
    const quoted = `${shown("Übersicht\u202e.pdf")} is missing`;
    const finding = { code: "DOCUMENT-MISSING" as const, file: "documents/Übersicht.pdf", message: quoted };
    const [told] = found([{ ...finding, expected: shown("Ü"), got: "Ü\\" }]).findings;
    expect(told).toBe(
      "DOCUMENT-MISSING  documents/\\u{dc}bersicht.pdf: \\u{dc}bersicht\\u{202e}.pdf is missing, expected \\u{dc}, got \\u{dc}\\",
    );
    const inspected = inspectionLines(inspectFile(utf8('{"a":"x\\"y\\\\","Ü":1}'), oids));
    expect(inspected.slice(1).join("")).toBe('{  "a": "x\\"y\\\\",  "\\u{dc}": 1}');
    expect(shownText(shown("\\Ü"))).toBe(shown("\\Ü"));
  });
});

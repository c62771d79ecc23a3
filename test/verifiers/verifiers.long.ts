import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildBundle } from "../bundle/build.ts";
import { bundleOf, type Mutant } from "../manifests/mutants/mutant.ts";
import { written } from "../manifests/mutants/openssl-says.ts";
import { mutants } from "../manifests/mutants/table.ts";
import { makeRoot, pem } from "../pki/authority.ts";
import { isHere, verifiers } from "./all.ts";
import { bouncycastle, javaArguments } from "./bouncycastle.ts";
import { certtool } from "./certtool.ts";
import { gpgsm } from "./gpgsm.ts";
import { letsPass, type VerifierName, versionsTried } from "./lets-pass.ts";
import { runCommand } from "./run.ts";
import type { SignedFile } from "./verifier.ts";

let folder: string;
let asked: readonly { readonly title: string; readonly file: SignedFile & { readonly root: string } }[];
let manifest: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-verifiers-"));
  const made = letsPass.map(async ({ title }, at) => {
    const mutant = mutants.find((one) => one.title === title);
    if (!mutant) throw new Error(`no mutant is called ${title}`);
    return { title, file: written({ mutant, bundle: await bundleOf(mutant) }, join(folder, `${at}`)) };
  });
  asked = await Promise.all(made);
  const bundle = await buildBundle();
  manifest = join(folder, "manifest.p7m");
  writeFileSync(manifest, bundle.files.get("manifest.p7m") as Uint8Array);
  writeFileSync(join(folder, "root.crt"), pem(bundle.roots[0] as Uint8Array));
  writeFileSync(join(folder, "other.crt"), pem(makeRoot({ name: "Root" }).certificate));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(verifiers)("$name", (kind) => {
  it.skipIf(!isHere(kind))(
    "T11: trusts the one root that it was given, and leaves no process and no file behind",
    async () => {
      const before = process.env.TMPDIR;
      const own = join(folder, kind.name);
      mkdirSync(own);
      process.env.TMPDIR = own;
      try {
        for (const [root, accepts] of [
          ["root.crt", true],
          ["other.crt", false],
        ] as const) {
          const verifier = await kind.open(join(folder, root));
          expect((await verifier.refusal({ signed: manifest })) === undefined, root).toBe(accepts);
          await verifier.end();
        }
      } finally {
        if (before === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = before;
      }
      expect(readdirSync(own)).toEqual([]);
      expect(commandsThatName(folder)).toEqual([]);
    },
  );

  it.skipIf(!isHere(kind))("T8: lets pass what docs/verify.md says, no more and no less", async () => {
    const [first] = asked;
    const verifier = await kind.open(first?.file.root ?? "");
    const name = kind.name as VerifierName;
    try {
      const differing: string[] = [];
      for (const [at, { title, file }] of asked.entries()) {
        const accepts = (await verifier.refusal(file)) === undefined;
        if (accepts !== letsPass[at]?.accepted.includes(name)) differing.push(`${title}: ${accepts}`);
      }
      // Another version may be better: that is told, and fails nobody's tests.
      const tried = kind.version?.startsWith(versionsTried[name]) === true || process.env.CI !== undefined;
      if (tried) expect(differing).toEqual([]);
      else if (differing.length > 0) console.warn(`${name} ${kind.version} says otherwise: ${differing.join("\n")}`);
    } finally {
      await verifier.end();
    }
  });
});

it.skipIf(!isHere(certtool))("T7: certtool's exit status tells of the last signature alone", async () => {
  const one = asked.find(({ title }) => title === "authorisation: one approver's signature of zeros");
  const { root, signed } = one?.file ?? { root: "", signed: "" };
  const { status, said } = await runCommand("certtool", [
    ...["--p7-verify", "--inder", "--infile", signed, "--load-ca-certificate", root],
  ]);
  const words = [...said.matchAll(/^\tSignature status: (ok|verification failed)/gm)].map((line) => line[1]);
  expect(words.toSorted()).toEqual(["ok", "verification failed"]);
  expect(status).toBe(words.at(-1) === "ok" ? 0 : 1);
});

it.skipIf(!isHere(gpgsm))("T11: gpgsm ends with 0 for a certificate that had expired before it signed", async () => {
  const mutant = mutants.find(({ title }) => title === "seal: a certificate that had expired") as Mutant;
  const file = written({ mutant, bundle: await bundleOf(mutant) }, join(folder, "expired"));
  const verifier = await gpgsm.open(file.root);
  const refusal = await verifier.refusal(file);
  await verifier.end();
  expect(refusal).toBe(undefined);
});

it.skipIf(!isHere(bouncycastle))(
  "T2: Java cannot name a document outside ASCII in the C locale, and can in C.UTF-8",
  async () => {
    const bundle = await buildBundle({ documents: { "Übersicht.pdf": "one" } });
    const [signed, document] = [join(folder, "umlaut.p7s"), join(folder, "Übersicht.pdf")];
    writeFileSync(signed, bundle.files.get("seals/0000/000001--bersicht.pdf.p7s") as Uint8Array);
    writeFileSync(document, "one");
    const ask = (locale: string) =>
      runCommand("java", [...javaArguments, join(folder, "root.crt"), signed, document], {
        ...process.env,
        LC_ALL: locale,
      });
    expect(await ask("C.UTF-8")).toMatchObject({ status: 0 });
    const { status, said } = await ask("C");
    expect({ status, said }).toMatchObject({ status: 1, said: expect.stringContaining("unmappable characters") });
  },
);

/** Command lines of processes that name a path. */
function commandsThatName(path: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return ""; // it ended meanwhile
      }
    })
    .filter((line) => line.includes(path));
}

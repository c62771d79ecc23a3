import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectRoot } from "../structure/source-files.ts";
import { type BareRoot, bareRoot, canMakeRoot } from "./bare-root.ts";
import { borrowPackages, cloneTo, makePackage, nextVersion } from "./clones.ts";

const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string };
const next = `${Number(version.split(".")[0]) + 1}.0.0`;
const arch = process.arch === "x64" ? "amd64" : "arm64";
const debName = (of: string) => `coldseal_${of}_${arch}.deb`;
const minutes = 60_000;

let dir: string;
let first: string;
/** a version later, signed */
let second: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-package-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

it(
  "PACKAGE: a clone where nothing was installed and one on another path, of another umask, zone and language, make the same bytes",
  async () => {
    const one = cloneTo(join(dir, "one"));
    const other = cloneTo(join(dir, "an other/path that is longer"));
    borrowPackages(other);
    const said = await makePackage(one, ["--out", join(dir, "out-one")]);
    expect(said).toContain("this package is UNSIGNED: nobody vouches for its digests");
    const strange = { LANG: "tr_TR.UTF-8", TZ: "Asia/Tokyo" };
    await makePackage(other, ["--out", join(dir, "out-other")], "077", strange);
    expect(readdirSync(join(dir, "out-one"))).toEqual([debName(version)]);
    expect(readdirSync(join(dir, "out-other"))).toEqual([debName(version)]);
    first = join(dir, "out-one", debName(version));
    expect(sha256(join(dir, "out-other", debName(version)))).toBe(sha256(first));
    expect(execFileSync("git", ["-C", one, "status", "--porcelain"], { encoding: "utf8" })).toBe("");
  },
  20 * minutes,
);

it(
  "PACKAGE: a signed one says by whom, OpenSSL verifies its list of digests, and the list is of everything in it",
  async () => {
    const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
    const words = [
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      "-subj",
      "/CN=Builders (test)",
      "-days",
      "9",
    ];
    execFileSync("openssl", ["req", "-x509", ...words], { stdio: "ignore" });
    const clone = cloneTo(join(dir, "next"));
    borrowPackages(clone);
    nextVersion(clone, next);
    const said = await makePackage(clone, ["--out", join(dir, "out-next"), "--key", key, "--cert", cert]);
    expect(said).toContain("the list of its digests is signed by CN=Builders (test)");
    second = join(dir, "out-next", debName(next));
    const tree = join(dir, "tree");
    execFileSync("dpkg-deb", ["-R", second, tree]);
    const list = join(dir, "files.json");
    const trust = ["-CAfile", cert, "-no-CApath", "-no-CAstore"];
    const signed = ["-in", join(tree, "usr/lib/coldseal/files.p7m"), "-out", list];
    const verify = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any", ...trust, ...signed];
    execFileSync("openssl", verify, { stdio: "ignore" });
    expect(readFileSync(list)).toEqual(readFileSync(join(tree, "usr/lib/coldseal/files.json")));
    const { control, files, links } = JSON.parse(readFileSync(list, "utf8")) as Record<
      string,
      Record<string, unknown>[]
    >;
    const listed = [
      ...(control ?? []).map((row) => [`DEBIAN/${row.path}`, row.sha256]),
      ...(files ?? []).map((row) => [row.path, row.sha256]),
      ...(links ?? []).map((row) => [row.path, row.to]),
    ];
    const own = ["usr/lib/coldseal/files.json", "usr/lib/coldseal/files.p7m"];
    const found = filesBelow(tree).filter((path) => !own.includes(path));
    expect(listed.map(([path]) => path).sort()).toEqual(found);
    const wrong = listed.filter(([path, digest]) => contentOf(join(tree, String(path))) !== digest);
    expect(wrong).toEqual([]);
  },
  10 * minutes,
);

it.skipIf(process.env.CI === undefined)("PACKAGE: under CI a bare Debian root can be made", () =>
  expect(canMakeRoot).toBe(true),
);
if (!canMakeRoot)
  process.stderr.write("LEFT OUT: installing into a bare Debian root needs root, debootstrap and unshare\n");

describe.skipIf(!canMakeRoot)("on a bare Debian root without network", () => {
  let root: BareRoot;
  beforeAll(() => {
    root = bareRoot();
    mkdirSync(join(root.folder, "opt/play/test/package"), { recursive: true });
    mkdirSync(join(root.folder, "opt/play/test/e2e"));
    const play = (path: string) =>
      cpSync(join(projectRoot, path), join(root.folder, "opt/play", path), { recursive: true });
    for (const path of ["demo", "test/e2e/rehearsed-day.ts", "test/package/sealed-in-root.ts"]) play(path);
    for (const name of [
      "appliance",
      "ceremony",
      "desk",
      "hardware",
      "host",
      "manifests",
      "media",
      "node_modules",
      "package.json",
    ]) {
      symlinkSync(`/usr/lib/coldseal/${name}`, join(root.folder, "opt/play", name));
    }
  }, 15 * minutes);
  afterAll(() => root?.remove());

  it("PACKAGE: dpkg alone installs it; both commands run; users, groups and folders are those of the units", () => {
    cpSync(first, join(root.stick, debName(version)));
    const links = root
      .run("cat /proc/net/dev")
      .output.split("\n")
      .filter((line) => line.includes(":"));
    expect(links.map((line) => line.split(":")[0]?.trim())).toEqual(["lo"]);
    const { status, output } = root.run(`dpkg -i /mnt/stick/${debName(version)}`);
    expect([status, output]).toEqual([0, expect.stringContaining("this package is UNSIGNED")]);
    expect(root.run("ceremony --version").output).toContain(`ceremony ${version}`);
    expect(root.run("coldseal --help").output).toContain("Usage: coldseal");
    expect(root.run("dpkg -V coldseal")).toEqual({ status: 0, output: "" });
    expect(
      root.run("id -Gn coldseal-daemon; id -Gn coldseal-intake; id -Gn coldseal-signer").output.split("\n"),
    ).toEqual(["coldseal-daemon coldseal-spool", "coldseal-intake coldseal-spool", "coldseal-signer", ""]);
    const folders = [
      "/etc/coldseal",
      "/var/lib/coldseal/signer",
      "/var/lib/coldseal/spool",
      "/var/lib/coldseal/spool/incoming",
    ];
    expect(
      root
        .run(`stat -c '%a %U %G %n' ${folders.join(" ")}`)
        .output.trim()
        .split("\n"),
    ).toEqual([
      "755 root root /etc/coldseal",
      "700 coldseal-signer coldseal-signer /var/lib/coldseal/signer",
      "750 coldseal-daemon coldseal-spool /var/lib/coldseal/spool",
      "2770 coldseal-daemon coldseal-spool /var/lib/coldseal/spool/incoming",
    ]);
  });

  it(
    "SOFTWARE: a box comes to be there by its ceremonies and seals; upgraded it keeps its state, refuses to seal, and seals after `update`",
    () => {
      cpSync(second, join(root.stick, debName(next)));
      const hsm = root.run("dpkg -i /mnt/stick/hsm/*.deb");
      expect([hsm.status, hsm.output]).toEqual([0, expect.stringContaining("Setting up softhsm2")]);
      const played = root.run(
        `/usr/lib/coldseal/node/bin/node /opt/play/test/package/sealed-in-root.ts /srv/box /mnt/stick/${debName(next)}`,
      );
      expect([played.status, played.output]).toEqual([0, expect.stringContaining('"first"')]);
      const saw = JSON.parse(played.output.split("\n").findLast((line) => line.startsWith("{")) ?? "") as {
        readonly software: string;
        readonly stick: string;
        readonly upgraded: string;
      };
      expect(saw).toMatchObject({
        first: { ok: true, number: 1, outcome: "sealed", documents: { checked: 2 }, labels: { network: "absent" } },
        second: {
          refused: { signer: { held: { code: "SOFTWARE", about: saw.software }, manifests: { last: 1 } } },
          verified: { ok: true, number: 2, outcome: "sealed" },
        },
      });
      expect(saw.upgraded).toContain('hold the ceremony "update"');
      expect(saw.upgraded).toContain("nothing was restarted");
      expect(saw.upgraded).toContain(saw.software);
      // Other people's program, outside of the root, on what came out of it.
      const stick = join(root.folder, saw.stick, "coldseal");
      const seals = join(stick, "outbox/first/seals/0000");
      for (const [at, name] of ["a.txt", "b.txt"].entries()) {
        const seal = readdirSync(seals).find((one) => one.startsWith(`00000${at + 1}-`)) ?? "";
        const trust = [
          "-CAfile",
          join(root.folder, "srv/box/pki/ca.crt"),
          "-no-CApath",
          "-no-CAstore",
          "-purpose",
          "any",
        ];
        const what = [
          "-in",
          join(seals, seal),
          "-content",
          join(stick, "inbox/first/documents", name),
          "-out",
          "/dev/null",
        ];
        execFileSync("openssl", ["cms", "-verify", "-cades", "-binary", "-inform", "DER", ...trust, ...what], {
          stdio: "ignore",
        });
      }
    },
    15 * minutes,
  );

  it("PACKAGE: an older version is refused over a newer one, and stays refused after removal and purge, which keep the data", () => {
    const older = () => root.run(`dpkg -i /mnt/stick/${debName(version)}`);
    const installed = () => root.run("dpkg -s coldseal | sed -n 's/^Version: //p'").output.trim();
    expect(older()).toMatchObject({
      status: 1,
      output: expect.stringContaining(`refused: version ${next} is or was installed here`),
    });
    expect(installed()).toBe(next);
    expect(root.run("ceremony --version").output).toContain(next);
    root.run("echo kept >/etc/coldseal/daemon.json; echo kept >/var/lib/coldseal/signer/journal");
    for (const how of ["--remove", "--purge"]) {
      const removed = root.run(`dpkg ${how} coldseal`);
      expect([removed.status, removed.output]).toEqual([
        0,
        expect.stringContaining("/var/lib/coldseal and /etc/coldseal are kept"),
      ]);
      expect(root.run("cat /etc/coldseal/daemon.json /var/lib/coldseal/signer/journal").output).toBe("kept\nkept\n");
      expect(older()).toMatchObject({ status: 1, output: expect.stringContaining("refused: version") });
    }
    expect(root.run("ls -d /usr/lib/coldseal /usr/bin/ceremony 2>/dev/null").output).toBe("");
    const again = root.run(`dpkg -i /mnt/stick/${debName(next)}`);
    expect([again.status, again.output]).toEqual([0, expect.stringContaining("is signed by CN=Builders (test)")]);
    expect(root.run("cat /var/lib/coldseal/signer/journal; stat -c %U /var/lib/coldseal/signer").output).toBe(
      "kept\ncoldseal-signer\n",
    );
  });
});

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/** A file's SHA-256, or what a link points to. */
function contentOf(path: string): string {
  return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : sha256(path);
}

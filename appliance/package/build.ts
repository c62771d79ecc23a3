/** Builds the package of a clone: everything that a box runs on, in one file, the same bytes for the same commit. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { softwareOf } from "../../host/software-digest.ts";
import { type SigningKey, signContent } from "../../manifests/cms/sign.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { carriedLibraries, libraryEntries } from "./carried-library.ts";
import type { Clone } from "./clone.ts";
import {
  controlFile,
  debianArchitecture,
  debianVersion,
  maintainerScript,
  type PackageFacts,
  packageFile,
  scriptNames,
} from "./control.ts";
import { copyrightText } from "./copyright.ts";
import { systemPackages } from "./elf-needs.ts";
import { type Entry, made, productFolder } from "./entry.ts";
import { listPath, packageList, signaturePath } from "./file-list.ts";
import { nodeEntries, nodeProgram, packageEntries } from "./package-files.ts";
import { commandEntries, commandOf, productEntries } from "./product-files.ts";
import { directPackages, productionPackages } from "./production.ts";
import { billOfMaterials } from "./sbom.ts";
import { selfCheck } from "./self-check.ts";
import { spokenEntries } from "./spoken.ts";
import { installedSize, settle, type Written, writeTree } from "./tree.ts";

const run = promisify(execFile);

export interface Order {
  readonly clone: Clone;
  /** where the package is left */
  readonly out: string;
  /** the arc of the signature's content type */
  readonly arc: string;
  /** who vouches for it, and the name for people; undefined: nobody */
  readonly signer: { readonly key: SigningKey; readonly name: string } | undefined;
  readonly say: (line: string) => void;
}

export interface Built {
  readonly file: string;
  readonly size: number;
  /** hex, of the file */
  readonly sha256: string;
  /** digest of the software, hex */
  readonly software: string;
  readonly version: string;
  readonly files: number;
}

/** Leaves one file in `out`. Refuses with CONFIG what cannot be packaged, with USAGE an `out` that holds another package. */
export async function buildPackage(order: Order): Promise<Built> {
  const { clone, say } = order;
  const arch = process.arch;
  const { version: own } = JSON.parse(readFileSync(join(clone.root, "package.json"), "utf8")) as { version: string };
  const version = debianVersion(own);
  const architecture = debianArchitecture(arch);
  const name = packageFile({ version, architecture });
  checkOut(order.out, name);
  const work = mkdtempSync(join(tmpdir(), "coldseal-package-"));
  try {
    say("fetching the production packages of the lock file, and compiling the native one");
    const fetched = join(work, "fetched");
    await fetchPackages(clone.root, fetched);
    say("laying out the files");
    const tree = join(work, "tree");
    const lock = readFileSync(join(clone.root, "package-lock.json"), "utf8");
    const { packages, node } = productionPackages(lock, arch);
    const libraries = carriedLibraries(nodeProgram(fetched, node.path));
    const commands = readdirSync(join(clone.root, "bin"))
      .sort()
      .map((one) => commandOf(one, readFileSync(join(clone.root, "bin", one), "utf8")));
    const laid = writeTree(tree, [
      ...productEntries(clone),
      ...commands.flatMap(commandEntries),
      ...packageEntries(fetched, packages, arch),
      ...nodeEntries(fetched, node),
      ...libraryEntries(libraries),
    ]);
    const product = join(tree, productFolder);
    const { inNode, sqlite } = await selfCheck(product, node.version);
    const speaker = { node: join(product, "node/bin/node"), product, version, epoch: clone.epoch };
    const sbom = billOfMaterials({
      version,
      commit: clone.commit,
      epoch: clone.epoch,
      architecture,
      packages,
      direct: directPackages(lock),
      node,
      nodeSha256: digestOf(laid, `${productFolder}/node/bin/node`),
      inNode,
      inPackage: { "better-sqlite3": [{ name: "sqlite", version: sqlite }] },
      libraries: libraries.map((one) => ({
        file: basename(one.file),
        package: one.package,
        sha256: hex(sha256(readFileSync(one.file))),
      })),
    });
    const more = writeTree(tree, [
      ...(await spokenEntries(commands, speaker)),
      made(`${productFolder}/sbom.cdx.json`, utf8(sbom)),
      made("usr/share/doc/coldseal/copyright", utf8(copyrightText([...packages, node]))),
    ]);
    const written = { files: [...laid.files, ...more.files], links: [...laid.links, ...more.links] };
    const facts: PackageFacts = {
      version,
      architecture,
      commit: clone.commit,
      changed: clone.changed,
      software: softwareOf(product).digest,
      signer: order.signer?.name,
      installedSize: installedSize(written),
      depends: systemPackages(binariesOf(tree, written)),
      units: unitsOf(written),
    };
    await writeControl(tree, facts, written, order);
    settle(tree, clone.epoch);
    say("packing");
    const packed = join(work, name);
    await pack(tree, packed, clone.epoch);
    mkdirSync(order.out, { recursive: true });
    const bytes = readFileSync(packed);
    const file = join(order.out, name);
    writeFileSync(`${file}.part`, bytes);
    renameSync(`${file}.part`, file);
    return {
      file,
      size: bytes.length,
      sha256: hex(sha256(bytes)),
      software: facts.software,
      version,
      files: written.files.length,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** An older package beside the new one would be taken for it on the way to the box. */
function checkOut(out: string, name: string): void {
  const others = readdirOrNone(out).filter((one) => one.endsWith(".deb") && one !== name);
  if (others.length === 0) return;
  throw new Refusal("USAGE", "there is another package in the folder", {
    expected: `none but ${name}`,
    got: others.join(", "),
    about: out,
  });
}

function readdirOrNone(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Refusal("USAGE", "no folder to leave the package in", {
      expected: "--out with a folder",
      got: folder,
      cause: fault,
    });
  }
}

async function fetchPackages(root: string, into: string): Promise<void> {
  try {
    await run(process.execPath, [join(root, "scripts/production-packages.mjs"), into], { maxBuffer: 16 << 20 });
  } catch (cause) {
    const said = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new Refusal("CONFIG", "the production packages cannot be had", { got: said, cause });
  }
}

function digestOf({ files }: Written, path: string): string {
  return files.find((file) => file.path === path)?.sha256 ?? "";
}

function binariesOf(tree: string, { files }: Written): readonly Uint8Array[] {
  const native = files.filter(
    ({ path }) => path.endsWith(".node") || path.endsWith("/node/bin/node") || path.includes("/node/lib/"),
  );
  return native.map(({ path }) => readFileSync(join(tree, path)));
}

function unitsOf({ files }: Written): readonly string[] {
  const units = files.map(({ path }) => /^usr\/lib\/systemd\/system\/([^/]+)$/.exec(path)?.[1] ?? "");
  // A template has no instance of its own to stop.
  return units.filter((name) => name !== "" && !name.includes("@")).sort();
}

/** dpkg's files, the list of digests, and its signature where there is a key. */
async function writeControl(tree: string, facts: PackageFacts, written: Written, order: Order): Promise<void> {
  const sums = [...written.files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ md5, path }) => `${md5}  ${path}\n`);
  const control = writeTree(join(tree, "DEBIAN"), [
    made("control", utf8(controlFile(facts))),
    made("md5sums", utf8(sums.join(""))),
    made("triggers", utf8("activate-noawait ldconfig\n")),
    ...scriptNames.map((name): Entry => made(name, utf8(maintainerScript(name, facts)), true)),
  ]);
  const list = packageList({
    ...facts,
    control: control.files.map(({ path, sha256: digest }) => ({ path, sha256: digest })),
    files: written.files.map(({ md5: _, ...file }) => file),
    links: written.links,
  });
  const signed =
    order.signer === undefined ? [] : [made(signaturePath, await signature(order.signer.key, list, order))];
  writeTree(tree, [made(listPath, list), ...signed]);
}

/** Its time is the commit's, so that a key that signs the same each time makes the same package each time. */
function signature(key: SigningKey, list: Uint8Array, { arc, clone }: Order): Promise<Uint8Array> {
  return signContent(nodeHost, key, {
    eContentType: ownOids(arc).packageFiles,
    content: list,
    signingTime: utcOf(clone.epoch * 1000),
  });
}

/** One thread and one method: dpkg-deb's own choice differs between machines and distributions. */
async function pack(tree: string, file: string, epoch: number): Promise<void> {
  const environment = { ...process.env, DPKG_DEB_THREADS_MAX: "1", LC_ALL: "C", SOURCE_DATE_EPOCH: String(epoch) };
  try {
    await run("dpkg-deb", ["--root-owner-group", "-Zxz", "-z1", "--build", tree, file], { env: environment });
  } catch (cause) {
    const said = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new Refusal("CONFIG", "dpkg-deb does not make the package", {
      expected: "dpkg-deb of Debian or Ubuntu",
      got: said,
      cause,
    });
  }
}

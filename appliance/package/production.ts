/** Which npm packages a box gets, as the lock file says, and which of their files are not needed to run. */

import { Refusal } from "../../manifests/refusal.ts";

export interface LockedPackage {
  /** `node_modules/NAME`, as in the lock file */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** SHA-512 of its archive, as npm writes it: `sha512-BASE64` */
  readonly integrity: string;
  readonly license: string;
  /** paths of the packages that it finds when it asks for its dependencies */
  readonly needs: readonly string[];
}

interface LockRow {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Rows = Readonly<Record<string, LockRow>>;

/**
 * The production packages, sorted by path, and the pinned Node's own: what the project itself asks for, and what these ask for, optional ones
 * where they are for this machine: so native code comes that is built beforehand. What only the ledger asks for (a workspace) is not among
 * them. Refuses with CONFIG rows without version or digest.
 */
export function productionPackages(
  lock: string,
  arch: string,
): { readonly packages: readonly LockedPackage[]; readonly node: LockedPackage } {
  const rows = (JSON.parse(lock) as { readonly packages: Rows }).packages;
  const packages = new Map<string, LockedPackage>();
  const asked = [...directPackages(lock)];
  for (let path = asked.pop(); path !== undefined; path = asked.pop()) {
    if (packages.has(path)) continue;
    const found = packageAt(rows, path, arch);
    packages.set(path, found);
    asked.push(...found.needs);
  }
  return {
    packages: [...packages.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    node: packageAt(rows, `node_modules/node-linux-${arch}`, arch),
  };
}

/** Paths of the packages that the project itself asks for. */
export function directPackages(lock: string): readonly string[] {
  const rows = (JSON.parse(lock) as { readonly packages: Rows }).packages;
  return Object.keys(rows[""]?.dependencies ?? {}).map((name) => `node_modules/${name}`);
}

/** Whether a file of a package is left out: sources of what is compiled, builds for other machines and browsers, types, maps. */
export function isLeftOut(packageName: string, file: string, arch: string): boolean {
  if (/\.(d\.[cm]?ts|map|tsbuildinfo)$/.test(file)) return true;
  if (file.startsWith("node_modules/")) return true;
  switch (packageName) {
    case "better-sqlite3":
      return /^(deps|src)\//.test(file) || (file.startsWith("prebuilds/") && file !== `prebuilds/linux-${arch}.node`);
    case "pkcs11js":
      return /^(src|includes)\//.test(file) || (file.startsWith("build/") && file !== "build/Release/pkcs11.node");
    case "@cantoo/pdf-lib":
      return /^(dist|src|ts3\.4)\//.test(file);
    default:
      return false;
  }
}

function packageAt(rows: Rows, path: string, arch: string): LockedPackage {
  const row = rows[path];
  if (row?.version === undefined || !row.integrity?.startsWith("sha512-")) {
    throw new Refusal("CONFIG", "the lock file does not pin a package", {
      expected: `${path} with version and sha512`,
      got: row === undefined ? "no such package" : JSON.stringify(row),
    });
  }
  const always = Object.keys(row.dependencies ?? {}).map((name) => resolved(rows, path, name));
  const built = Object.keys(row.optionalDependencies ?? {})
    .map((name) => resolved(rows, path, name))
    .filter((one) => isForMachine(rows[one] as LockRow, arch));
  const needs = [...always, ...built];
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  return {
    path,
    name,
    version: row.version,
    integrity: row.integrity,
    license: row.license ?? "",
    needs: needs.sort(),
  };
}

/** As npm chooses for Linux with the GNU C library, which the pinned Node needs itself. */
function isForMachine({ os, cpu, libc }: LockRow, arch: string): boolean {
  return (
    (os === undefined || os.includes("linux")) &&
    (cpu === undefined || cpu.includes(arch)) &&
    (libc === undefined || libc.includes("glibc"))
  );
}

/** Node looks in the package's own node_modules, then in those above it. */
function resolved(rows: Rows, from: string, name: string): string {
  for (let at = from; ; at = at.slice(0, Math.max(at.lastIndexOf("/node_modules/"), 0))) {
    const path = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (rows[path] !== undefined) return path;
    if (at === "")
      throw new Refusal("CONFIG", "the lock file lacks a package", { expected: name, got: `none for ${from}` });
  }
}

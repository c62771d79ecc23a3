/** The bill of materials as CycloneDX 1.6 JSON (ECMA-424), the same for the same package: no serial number, and the commit's time. */

import { fromBase64, hex } from "../../manifests/encoding/bytes.ts";
import type { LockedPackage } from "./production.ts";

/** Code that lies inside of another component, by its own name and version. */
export interface Inner {
  readonly name: string;
  readonly version: string;
}

/** A shared library that comes from the distribution of the machine that built. */
export interface CarriedLibrary {
  /** Debian's package and its version; undefined where no package of the machine holds the file */
  readonly package: { readonly name: string; readonly version: string } | undefined;
  readonly file: string;
  /** hex */
  readonly sha256: string;
}

export interface Materials {
  readonly version: string;
  readonly commit: string;
  /** seconds since 1970 */
  readonly epoch: number;
  readonly architecture: string;
  readonly packages: readonly LockedPackage[];
  /** paths of the packages that the product itself asks for */
  readonly direct: readonly string[];
  readonly node: LockedPackage;
  /** hex, of the program itself */
  readonly nodeSha256: string;
  /** what is linked into Node */
  readonly inNode: readonly Inner[];
  /** what is compiled into a package, by the package's name */
  readonly inPackage: Readonly<Record<string, readonly Inner[]>>;
  readonly libraries: readonly CarriedLibrary[];
}

type Component = Readonly<Record<string, unknown>>;

/** The document's text. */
export function billOfMaterials(materials: Materials): string {
  const { packages, direct, node, libraries } = materials;
  const product = `pkg:generic/coldseal@${materials.version}`;
  const refOf = new Map(packages.map((one) => [one.path, npmUrl(one)]));
  const refs = (paths: readonly string[]) => paths.map((path) => refOf.get(path) ?? path).sort();
  const nodeRef = npmUrl(node);
  const libraryRefs = libraries.map((library) => libraryUrl(library, materials.architecture));
  const dependencies = [
    { ref: product, dependsOn: [...refs(direct), nodeRef].sort() },
    { ref: nodeRef, dependsOn: libraryRefs },
    ...libraryRefs.map((ref) => ({ ref, dependsOn: [] })),
    ...packages.map((one) => ({ ref: npmUrl(one), dependsOn: refs(one.needs) })),
  ];
  const components = [
    ...packages.map((one) => npmComponent(one, materials.inPackage[one.name] ?? [])),
    nodeComponent(materials),
    ...libraries.map((library) => libraryComponent(library, materials.architecture)),
  ];
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(materials.epoch * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
      component: {
        type: "application",
        "bom-ref": product,
        name: "coldseal",
        version: materials.version,
        purl: product,
        properties: [{ name: "coldseal:commit", value: materials.commit }],
      },
    },
    components,
    dependencies: dependencies.sort((a, b) => (a.ref < b.ref ? -1 : 1)),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function npmComponent(one: LockedPackage, inner: readonly Inner[]): Component {
  return {
    type: "library",
    "bom-ref": npmUrl(one),
    name: one.name,
    version: one.version,
    purl: npmUrl(one),
    hashes: [{ alg: "SHA-512", content: hex(fromBase64(one.integrity.slice("sha512-".length))) }],
    ...licences(one),
    ...(inner.length > 0 ? { components: inner.map((each) => innerComponent(each, npmUrl(one))) } : {}),
  };
}

function nodeComponent({ node, nodeSha256, inNode }: Materials): Component {
  const program = {
    type: "file",
    "bom-ref": `${npmUrl(node)}#bin/node`,
    name: "bin/node",
    hashes: [{ alg: "SHA-256", content: nodeSha256 }],
  };
  const { components: _, ...own } = npmComponent(node, []);
  return {
    ...own,
    type: "platform",
    cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`,
    components: [program, ...inNode.map((each) => innerComponent(each, npmUrl(node)))],
  };
}

function innerComponent({ name, version }: Inner, within: string): Component {
  return { type: "library", "bom-ref": `${within}#${name}`, name, version };
}

function libraryComponent(library: CarriedLibrary, architecture: string): Component {
  const url = libraryUrl(library, architecture);
  return {
    type: "library",
    "bom-ref": url,
    name: library.package?.name ?? library.file,
    ...(library.package ? { version: library.package.version, purl: url } : {}),
    hashes: [{ alg: "SHA-256", content: library.sha256 }],
  };
}

function licences({ license }: LockedPackage): Component {
  if (license === "") return {};
  const expression = license.replace(/^\((.*)\)$/, "$1");
  return { licenses: [/ (OR|AND|WITH) /.test(expression) ? { expression } : { license: { id: expression } }] };
}

/** Package URLs (purl-spec): `@` of a scope is written %40. Two versions of one package differ in theirs. */
function npmUrl({ name, version }: LockedPackage): string {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}

function libraryUrl(library: CarriedLibrary, architecture: string): string {
  if (!library.package) return `file:${library.file}`;
  const { name, version } = library.package;
  return `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
}

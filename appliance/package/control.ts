/** The package's control files: what dpkg reads, and the scripts that it runs (Debian Policy 5 and 6). */

import { readFileSync } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";

export interface PackageFacts {
  readonly version: string;
  /** Debian's name of the machine's kind: amd64 */
  readonly architecture: string;
  readonly commit: string;
  readonly changed: boolean;
  /** digest of the software, hex: what an `update` ceremony approves */
  readonly software: string;
  /** who signed the list of digests, undefined: nobody */
  readonly signer: string | undefined;
  /** KiB, as dpkg counts */
  readonly installedSize: number;
  /** what the programs need of the system, such as `libc6 (>= 2.28)` */
  readonly depends: readonly string[];
  /** units that removal stops */
  readonly units: readonly string[];
}

export const scriptNames = ["postinst", "postrm", "preinst", "prerm"] as const;
export type ScriptName = (typeof scriptNames)[number];

const architectures: Readonly<Record<string, string>> = { arm64: "arm64", x64: "amd64" };

/** Debian's name for what Node calls the machine. Refuses with CONFIG. */
export function debianArchitecture(arch: string): string {
  const name = architectures[arch];
  if (name !== undefined) return name;
  throw new Refusal("CONFIG", "no package is made for this machine", { expected: "x64 or arm64", got: arch });
}

/** Name of the file, the same each time. */
export function packageFile({ version, architecture }: Pick<PackageFacts, "version" | "architecture">): string {
  return `coldseal_${version}_${architecture}.deb`;
}

/** `1.2.3`, or `1.2.3-rc.1` as `1.2.3~rc.1`, which dpkg counts as older than 1.2.3, as npm does. Refuses with CONFIG. */
export function debianVersion(version: string): string {
  if (/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9a-z.]+)?$/.test(version)) return version.replace("-", "~");
  throw new Refusal("CONFIG", "not a version", { expected: "three numbers as in package.json", got: version });
}

/** One sentence, for the terminal, the description and the script that installs. */
export function signedWords(signer: string | undefined): string {
  return signer === undefined
    ? "this package is UNSIGNED: nobody vouches for its digests"
    : `the list of its digests is signed by ${signer}`;
}

/** The text of `control`. */
export function controlFile(facts: PackageFacts): string {
  const source = `${facts.commit}${facts.changed ? ", with changes that are not committed" : ""}`;
  const lines = [
    "Package: coldseal",
    `Version: ${facts.version}`,
    `Architecture: ${facts.architecture}`,
    "Maintainer: Coldseal <coldseal@localhost>",
    `Installed-Size: ${facts.installedSize}`,
    `Depends: ${facts.depends.join(", ")}`,
    "Recommends: systemd",
    "Suggests: softhsm2, opensc-pkcs11, openssl, bash-completion, man-db",
    "Section: admin",
    "Priority: optional",
    "Description: air-gapped document sealing appliance",
    " Documents come on removable media, a quorum of operators approves them, and a",
    " key that never leaves an HSM seals each one. With its own Node and all that it",
    " runs on: it installs where there is no network.",
    " .",
    ` Software digest: ${facts.software}`,
    ` Made from commit ${source}.`,
    ` Signature: ${signedWords(facts.signer)}.`,
  ];
  return `${lines.join("\n")}\n`;
}

/** What the shell could take for more than text: a subject's name may hold anything. */
const notPlain = /[^\p{L}\p{N} .,:;?~@=_+/()-]/gu;

/** The text of one of the scripts in scripts/, its places filled. Refuses with CONFIG what the shell could take for more than text. */
export function maintainerScript(name: ScriptName, facts: PackageFacts): string {
  const text = readFileSync(new URL(`./scripts/${name}`, import.meta.url), "utf8");
  const values: Readonly<Record<string, string>> = {
    SIGNED: signedWords(facts.signer).replace(notPlain, "?"),
    SOFTWARE: facts.software,
    UNITS: facts.units.join(" "),
    VERSION: facts.version,
  };
  return text.replace(/@([A-Z]+)@/g, (_, place: string) => shellText(values[place], place));
}

function shellText(value: string | undefined, place: string): string {
  if (value !== undefined && !new RegExp(notPlain).test(value)) return value;
  throw new Refusal("CONFIG", "a script of the package cannot hold this", {
    expected: "letters, digits and plain signs",
    got: `${place}: ${value ?? "nothing"}`,
  });
}

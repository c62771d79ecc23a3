/** Other people's verifiers behind one small port, each opened for one root and asked about one signed file at a time. */

import { spawnSync } from "node:child_process";

export interface SignedFile {
  readonly signed: string;
  /** the document of a detached signature */
  readonly document?: string;
}

export interface Verifier {
  /** Why it would not accept the file, in its own words; undefined: it accepts it. */
  refusal(file: SignedFile): Promise<string | undefined>;
  /** Nothing of it is left when this resolves: no process and no file. */
  end(): Promise<void>;
}

export interface VerifierKind {
  readonly name: string;
  /** the command, the Debian packages that bring it, and its version as it says it; null: it is not here */
  readonly needs: string;
  readonly version: string | null;
  /** What it says of signed files that are right and that it cannot read all the same (docs/verify.md); undefined: it reads this one. */
  readonly cannot?: (file: SignedFile) => RegExp | undefined;
  /** `root`: path of a certificate in PEM, the only one that is trusted */
  open(root: string): Promise<Verifier>;
}

/** The first line of a command that says the version, null where the command is missing or fails. */
export function versionOf(command: string, args: readonly string[], pick: RegExp): string | null {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? (pick.exec(`${stdout}${stderr}`)?.[1] ?? null) : null;
}

/** Opened for one file alone. */
export async function refusalBy(kind: VerifierKind, root: string, file: SignedFile): Promise<string | undefined> {
  const verifier = await kind.open(root);
  try {
    return await verifier.refusal(file);
  } finally {
    await verifier.end();
  }
}

/** Where everything of a test box lies, and the folders it needs. Secret folders are 0700, secret files 0600. */

import { chmod, mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeMissingFolders } from "../../host/missing-folders.ts";
import { Refusal } from "../../manifests/refusal.ts";

export interface OperatorPaths {
  readonly person: string;
  readonly folder: string;
  /** what the ceremony CLI takes with `--as` */
  readonly operatorJson: string;
  /** file with the PIN, without a line end */
  readonly pin: string;
}

export interface BoxPaths {
  readonly dir: string;
  readonly pki: {
    readonly folder: string;
    readonly root: string;
    /** the test root's private key: anyone who holds it can make test certificates */
    readonly rootKey: string;
    readonly submitter: string;
    readonly submitterP12: string;
    readonly submitterPassword: string;
    /** key and certificate for plain envelopes, PEM; there only where the policy takes them */
    readonly plainSubmitter: string;
    readonly plainSubmitterKey: string;
    /** policy number 1, signed, and its digest in hex */
    readonly genesisPolicy: string;
    readonly genesisDigest: string;
  };
  /** what stands in for the stick: holds `coldseal/inbox` and so on */
  readonly stick: string;
  /** what stands in for the keeper's stick */
  readonly keeper: string;
  readonly operators: readonly OperatorPaths[];
  readonly box: {
    readonly folder: string;
    readonly signerJson: string;
    readonly daemonJson: string;
    readonly launcherJson: string;
    readonly pin: string;
    readonly state: string;
    readonly spool: string;
    readonly log: string;
    /** folder of the sockets; outside of `dir` when its path would be too long for a socket */
    readonly run: string;
  };
  /** digest of the genesis policy, hex */
  readonly genesis: string;
}

/** Longest socket path that is used; Linux allows 107 bytes. */
const longestSocket = 90;

/** The paths of a box below `dir`; the sockets' folder is made when it must lie elsewhere. */
export async function boxPaths(
  dir: string,
  operators: number,
  genesis: string,
  stick?: string,
  keeper?: string,
): Promise<BoxPaths> {
  const root = resolve(dir);
  const pki = join(root, "pki");
  const box = join(root, "box");
  return {
    dir: root,
    pki: {
      folder: pki,
      root: join(pki, "ca.crt"),
      rootKey: join(pki, "ca.key"),
      submitter: join(pki, "submitter.crt"),
      submitterP12: join(pki, "submitter.p12"),
      submitterPassword: join(pki, "submitter.p12.password"),
      plainSubmitter: join(pki, "plain-submitter.crt"),
      plainSubmitterKey: join(pki, "plain-submitter.key.pem"),
      genesisPolicy: join(pki, "policy-0001.p7m"),
      genesisDigest: join(pki, "genesis.txt"),
    },
    stick: resolve(stick ?? join(root, "stick")),
    keeper: resolve(keeper ?? join(root, "keeper")),
    operators: Array.from({ length: operators }, (_, at) => operatorPaths(root, `op${at + 1}`)),
    box: {
      folder: box,
      signerJson: join(box, "signer.json"),
      daemonJson: join(box, "daemon.json"),
      launcherJson: join(box, "launcher.json"),
      pin: join(box, "pin"),
      state: join(box, "signer"),
      spool: join(box, "spool"),
      log: join(box, "log"),
      run: await runFolder(box),
    },
    genesis,
  };
}

/** Makes the folders. Refuses with USAGE where `dir` already holds something: a box is never made over another. */
export async function makeFolders(paths: BoxPaths): Promise<void> {
  await makeMissingFolders(paths.dir);
  if ((await readdir(paths.dir)).length > 0) {
    throw new Refusal("USAGE", `${paths.dir} is not empty`, { expected: "a new or empty folder", got: "files in it" });
  }
  await mkdir(paths.pki.folder);
  for (const folder of ["inbox", "outbox", "control/in", "control/out"]) {
    await mkdir(join(paths.stick, "coldseal", folder), { recursive: true });
  }
  await mkdir(paths.keeper, { recursive: true });
  const secret = [paths.box.folder, paths.box.state, paths.box.spool, paths.box.log, paths.box.run];
  for (const folder of [...secret, join(paths.dir, "operators"), ...paths.operators.map((one) => one.folder)]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  }
}

/** Writes a file that only its owner may read; never over another. */
export async function writeSecret(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: 0o600, flag: "wx" });
}

function operatorPaths(root: string, person: string): OperatorPaths {
  const folder = join(root, "operators", person);
  return { person, folder, operatorJson: join(folder, "operator.json"), pin: join(folder, "pin") };
}

async function runFolder(box: string): Promise<string> {
  const inside = join(box, "run");
  if (Buffer.byteLength(join(inside, "coldseald.sock")) <= longestSocket) return inside;
  return mkdtemp(join(tmpdir(), "coldseal-"));
}

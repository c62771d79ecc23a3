/**
 * A TEST box that came to be by ceremonies: made-up people hold genesis and its second sitting with the code of the live ones.
 * Its PIN is known to nobody: it opens by shares. SIMULATED are the people, the CA and the HSM.
 */

import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { boxLayout } from "../procedures/layout.ts";
import { sharePath } from "../procedures/shares-of.ts";
import type { Issuer } from "../provision/certificate.ts";
import { type BoxPaths, boxPaths, makeFolders, writeSecret } from "../provision/layout.ts";
import {
  makePlainSubmitter,
  makeSubmitter,
  type ProvisionOptions,
  sealingKind,
  submitterName,
  writeGenesis,
} from "../provision/provision.ts";
import { writeDaemonSettings, writeLauncherSettings, writeOperatorSettings } from "../provision/settings.ts";
import { makeRoot, pem } from "../provision/test-pki.ts";
import { type Cast, makeCast } from "./cast.ts";
import { writeCertificatesFile } from "./certificates-file.ts";
import { type GenesisWanted, genesisArchive, type LedgerWanted, writeGenesisFile } from "./genesis-file.ts";
import { type PlayedAt, type Rehearsed, rehearse } from "./rehearse.ts";

export interface RehearsedBox {
  readonly paths: BoxPaths;
  readonly cast: Cast;
  /** path of each officer's share, by id */
  readonly shares: ReadonlyMap<string, string>;
  readonly ceremonies: readonly Rehearsed[];
  /** what the genesis was asked for, and the made-up CA: for ceremonies that follow */
  readonly wanted: GenesisWanted;
  readonly root: Issuer;
}

/**
 * Makes the box in `dir`, a new or empty folder. Its members are those of a provisioned one, but that there is no file with a
 * PIN. Refuses USAGE, and what refuses a step of a ceremony.
 */
export async function rehearsedBox(
  dir: string,
  options: ProvisionOptions & { readonly recovery?: boolean },
  at: PlayedAt,
): Promise<RehearsedBox> {
  const { operators = 3, appliance = "test-box" } = options;
  const paths = await boxPaths(dir, operators, "", options.media, options.keeper);
  await makeFolders(paths);
  const root = makeRoot();
  await writeFile(paths.pki.root, pem("CERTIFICATE", root.certificate));
  await writeSecret(paths.pki.rootKey, root.key.export({ type: "pkcs8", format: "pem" }));
  await makeSubmitter(paths, root);
  if (options.plainEnvelopes !== undefined) await makePlainSubmitter(paths, root);
  const cast = await makeCast(
    root,
    paths.operators.map(({ person, folder }) => ({ id: person, folder })),
    options.recovery ? await recoveryFolders(paths) : [],
  );
  const recovery = cast.people.filter(({ roles }) => roles.includes("recovery"));
  const to: GenesisWanted = {
    ...wanted(paths, options, appliance),
    recovery,
    ledger: await ledgerOf(dir, options, root),
  };
  const first = await rehearse(await writeGenesisFile(paths.dir, cast.people, to), cast, at);
  const second = await rehearse(await writeCertificatesFile(paths.dir, cast.people, root, to), cast, at);
  const signed = readFileSync(boxLayout(to.box).genesis);
  const content = readSignedData(signed).content ?? new Uint8Array(0);
  const made: BoxPaths = { ...paths, genesis: hex(sha256(content)) };
  await writeGenesis(made, content, signed);
  await writeSettings(made, cast, options, appliance);
  await writeFile(join(made.dir, "box.json"), `${JSON.stringify(made, null, 2)}\n`, { flag: "wx" });
  const shares = cast.officers.map(({ id }) => [id, sharePath(to.stick, genesisArchive, "unlock", id)] as const);
  return { paths: made, cast, shares: new Map(shares), ceremonies: [first, second], wanted: to, root };
}

/** The ledger as a ceremony file names it: its certificate by a path. */
async function ledgerOf(dir: string, { ledger }: ProvisionOptions, root: Issuer): Promise<LedgerWanted | undefined> {
  if (!ledger) return undefined;
  const { acknowledgement, ...rules } = await ledger(root);
  const path = join(dir, "ledger-acknowledgement.der");
  await writeFile(path, acknowledgement);
  return { ...rules, acknowledgement: path };
}

async function recoveryFolders({ dir }: BoxPaths) {
  const all = ["rec1", "rec2"].map((id) => ({ id, folder: join(dir, id) }));
  for (const { folder } of all) await mkdir(folder, { mode: 0o700 });
  return all;
}

function wanted(paths: BoxPaths, options: ProvisionOptions, appliance: string): GenesisWanted {
  const suite = options.profile ?? "rsa-pkcs1-sha256";
  const rsaBits = options.rsaBits ?? 3072;
  const { documents = 100_000, documentBytes = 2 ** 33, batchBytes = 2 ** 36 } = options.limits ?? {};
  return {
    appliance,
    box: paths.box.folder,
    run: paths.box.run,
    stick: paths.stick,
    suite,
    keys: { audit: options.audit ?? "p256", sealing: sealingKind(suite, rsaBits) },
    threshold: options.threshold ?? 2,
    limits: { documents, documentBytes, batchBytes, minimumRsaBits: rsaBits },
    plainEnvelopes: options.plainEnvelopes,
    root: paths.pki.root,
    submitter: { name: submitterName, certificate: paths.pki.submitter },
  };
}

async function writeSettings(paths: BoxPaths, cast: Cast, options: ProvisionOptions, appliance: string): Promise<void> {
  const { settleSeconds = 2, incompleteSeconds = 600, scanSeconds = 1 } = options;
  await writeDaemonSettings(paths, appliance, { settleSeconds, incompleteSeconds, scanSeconds });
  await writeLauncherSettings(paths);
  for (const { id, token, certificate } of cast.officers) await writeOperatorSettings(paths, id, token, certificate);
}

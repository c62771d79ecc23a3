/** A test box inside of a virtual one: provisioned here, laid out as an installed one on its disk, driven by its own command lines in there. */

import { deepEqual, equal } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { BatchRow, RowState } from "../../appliance/client/batch-row.ts";
import type { BoxPaths, OperatorPaths } from "../../ceremony/provision/layout.ts";
import { provision } from "../../ceremony/provision/provision.ts";
import { checkBundle } from "../../demo/openssl.ts";
import { answer, submit, succeeded } from "../../demo/people.ts";
import { type Ran, runCommand } from "../../demo/run-command.ts";
import type { Slip } from "../../desk/slip.ts";
import { installedText, layInstalledBox } from "../units/installed-box.ts";
import { compiled, type Image, makeDisk } from "./image.ts";
import type { VirtualBox } from "./machine.ts";
import { makeStick, putOnStick, type StickForm, takeFromStick } from "./stick.ts";

/** Milliseconds that anything gets that is waited for: an emulated machine beside other work is slow. */
const patience = 240_000;

interface Listing {
  readonly batches: readonly BatchRow[];
  /** a line each; alarms say ALARM */
  readonly sticks: readonly string[];
}

const people = "/srv/operators";
const sticks = "/run/coldseal/media";
/** Of the keeper's stick, for `VirtualBox.plug`. */
export const keeperSerial = "KEEPER0001";

/** What a test knows of a batch on a stick. */
export interface StickBatch {
  /** the stick's image */
  readonly image: string;
  readonly name: string;
  readonly slip: Slip;
  /** of the host: the documents alone */
  readonly documents: string;
  /** of the host: `coldseal/` as it was put on the stick */
  readonly folder: string;
}

/** So many small ones. */
export function manyDocuments(count: number): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}.txt`, `document ${at}`]));
}

export class GuestBox {
  readonly paths: BoxPaths;
  /** of the host: the box as provisioned, its disk */
  readonly dir: string;

  constructor(dir: string, paths: BoxPaths) {
    this.dir = dir;
    this.paths = paths;
  }

  /** Provisions it in `dir`, and lays it on a disk. */
  static async make(image: Image, dir: string): Promise<GuestBox> {
    const options = { profile: "ecdsa-p256-sha256", settleSeconds: 1, scanSeconds: 1, incompleteSeconds: 60 } as const;
    const paths = await provision(join(dir, "box"), options);
    const box = new GuestBox(dir, paths);
    await makeDisk(image, box.disk, (root) => lay(paths, root));
    return box;
  }

  /** Of the box that never ran, or that was saved. */
  get disk(): string {
    return join(this.dir, "disk");
  }

  /** What `VirtualBox.save` left. */
  get saved(): string {
    return join(this.dir, "saved");
  }

  /** A batch of these documents on a new stick, as the desk makes it. `work` is the caller's folder. */
  async stickWith(
    work: string,
    name: string,
    documents: Readonly<Record<string, Uint8Array | string>>,
    form: StickForm = {},
  ): Promise<StickBatch> {
    const folder = mkdtempSync(join(work, "documents-"));
    for (const [file, bytes] of Object.entries(documents)) writeFileSync(join(folder, file), bytes);
    const to = join(work, `${name}.stick`);
    for (const below of ["inbox", "outbox", "control/in", "control/out"]) {
      mkdirSync(join(to, "coldseal", below), { recursive: true });
    }
    const slip = await submit({ ...this.paths, stick: to }, [folder], ["--batch", name]);
    const image = join(work, `${name}.img`);
    makeStick(image, form);
    putOnStick(image, join(to, "coldseal"));
    return { image, name, slip, documents: folder, folder: join(to, "coldseal") };
  }

  /** The answer on a stick that was pulled: by coldseal, pinned to the genesis, and each seal by OpenSSL. Throws where it does not hold. */
  async holdAnswer(batch: StickBatch): Promise<void> {
    const out = mkdtempSync(`${batch.image}-read-`);
    takeFromStick(batch.image, "coldseal", out);
    await this.holdBundle(join(out, "coldseal/outbox", batch.name), batch);
  }

  /** The same of a folder of the host. */
  async holdBundle(bundle: string, { documents }: StickBatch, media = "mount"): Promise<void> {
    const args = ["--json", "verify", bundle, "--ca", this.paths.pki.root, "--genesis", this.paths.genesis];
    const { stdout } = await runCommand("desk/main.ts", [...args, "--documents", documents]);
    const verdict = JSON.parse(stdout) as { readonly ok: boolean; readonly labels: { readonly media: string } };
    deepEqual([verdict.ok, verdict.labels.media], [true, media], stdout);
    const checked = await checkBundle(bundle, documents, this.paths.pki.root);
    deepEqual(
      checked.filter(({ refusal }) => refusal !== undefined),
      [],
    );
    equal(checked.length, readdirSync(documents).length + 3);
  }

  /** Runs `ceremony` in the box, as an operator with the own PIN or another one. */
  ceremony(
    box: VirtualBox,
    person: OperatorPaths,
    args: readonly string[],
    { pin = person.pin, slip }: { readonly pin?: string; readonly slip?: Slip } = {},
  ): Promise<Ran> {
    const command = ["ceremony", "--as", `${people}/${person.person}/operator.json`, "--pin-fd", "3", ...args];
    return box.run(command, {
      secret: readFileSync(pin),
      env: { NODE_COMPILE_CACHE: compiled, TERM: "dumb" },
      ...(slip ? { answer: (printed: string) => answer(printed, slip) } : {}),
    });
  }

  get operators(): readonly [OperatorPaths, OperatorPaths] {
    const [first, second] = this.paths.operators;
    if (!first || !second) throw new Error("too few operators");
    return [first, second];
  }

  async unlock(box: VirtualBox): Promise<void> {
    const [first] = this.operators;
    for (let tries = 0; ; tries++) {
      const ran = await this.ceremony(box, first, ["unlock"], { pin: this.paths.box.pin });
      if (ran.status === 0) return;
      // The signer may still be starting.
      if (tries === 10) succeeded(ran, "unlock");
      await setTimeout(1000);
    }
  }

  async approveAs(box: VirtualBox, person: OperatorPaths, slip: Slip): Promise<void> {
    succeeded(await this.ceremony(box, person, ["approve", slip.folder], { slip }), "approve");
  }

  /** Both operators approve, one after the other: two tokens that are tried at once on an emulated processor may take longer than a token is given. */
  async approve(box: VirtualBox, slip: Slip): Promise<void> {
    for (const one of this.operators) await this.approveAs(box, one, slip);
  }

  /** When it waits for them. */
  async approveWaiting(box: VirtualBox, { name, slip }: StickBatch): Promise<void> {
    await this.untilState(box, name, "waiting-for-approval");
    await this.approve(box, slip);
  }

  /** What the daemon lists: batches, and what is said of sticks. Empty where it does not answer. */
  async listing(box: VirtualBox): Promise<Listing> {
    const { status, stdout } = await box.listing();
    if (status !== 0) return { batches: [], sticks: [] };
    const { rows, sticks } = JSON.parse(stdout) as {
      readonly rows: readonly BatchRow[];
      readonly sticks: readonly string[];
    };
    return { batches: rows, sticks };
  }

  /** Looks until something is as it is waited for. */
  async until<T>(box: VirtualBox, what: string, find: (listing: Listing) => T | undefined): Promise<T> {
    let listing: Listing | undefined;
    for (const end = Date.now() + patience; Date.now() < end; await setTimeout(200)) {
      listing = await this.listing(box);
      const found = find(listing);
      if (found !== undefined) return found;
    }
    throw new Error(`never ${what}: ${JSON.stringify(listing)}\n${await box.log()}`);
  }

  untilState(box: VirtualBox, folder: string, ...states: readonly RowState[]): Promise<BatchRow> {
    return this.until(box, `${folder} ${states.join(" or ")}`, ({ batches }) =>
      batches.find((row) => row.folder === folder && states.includes(row.state)),
    );
  }
}

/** The box as its ceremonies would have left it on an installed machine: its files, the helper's file, and the units enabled. */
function lay(paths: BoxPaths, root: string): void {
  layInstalledBox(paths, root);
  const put = (path: string, text: string) => writeFileSync(join(root, path), text);
  const change = (path: string, more: object) => {
    const settings = JSON.parse(readFileSync(join(root, path), "utf8")) as object;
    put(path, JSON.stringify({ ...settings, ...more }));
  };
  const media = { audit: `${sticks}/audit`, in: `${sticks}/in`, out: `${sticks}/out` };
  change("etc/coldseal/daemon.json", { media, mountSocket: "/run/coldseal/mount.sock" });
  change("etc/coldseal/signer.json", { media: "mount" });
  put("etc/coldseal/mount.json", JSON.stringify(mountSettings(root)));
  for (const { folder, operatorJson, person } of paths.operators) {
    cpSync(folder, join(root, people, person), { recursive: true });
    const text = (file: string) =>
      installedText(paths, readFileSync(file, "utf8").replaceAll(folder, `${people}/${person}`));
    put(join(people, person, "operator.json"), text(operatorJson));
    put(join(people, person, "softhsm2.conf"), text(join(folder, "softhsm2.conf")));
  }
  const own = "chown -R coldseal-signer:coldseal-signer /var/lib/coldseal/signer && chmod -R go+rX /etc/coldseal";
  const units = ["signer.socket", "unlock.socket", "daemon.socket", "intake.socket", "mount.socket"]
    .concat(["signer.service", "daemon.service", "mount.service"])
    .map((name) => `coldseal-${name}`);
  execFileSync("chroot", [root, "sh", "-c", `${own} && systemctl enable ${units.join(" ")}`], { stdio: "ignore" });
}

/** Every stick for batches but the keeper's, which is known by its serial number. */
function mountSettings(root: string) {
  const id = (file: string, name: string) => {
    const line = readFileSync(join(root, "etc", file), "utf8")
      .split("\n")
      .find((one) => one.startsWith(`${name}:`));
    return Number(line?.split(":")[2]);
  };
  return {
    devices: "/dev",
    folder: sticks,
    own: [],
    owner: { gid: id("group", "coldseal-spool"), uid: id("passwd", "coldseal-daemon") },
    pollMilliseconds: 200,
    roles: { audit: [keeperSerial], in: "any", out: "any" },
    socket: "/run/coldseal/mount.sock",
    switchOff: false,
    sys: "/sys",
  };
}

/** A rehearsed box on which ceremonies are held one after another: it numbers them, and knows the shares and keys of the day. */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { boxKeys, boxStanding, lock } from "../../appliance/client/unlock-client.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { KeyPurpose } from "../../manifests/records/key-purpose.ts";
import { verifyCertificateRequest } from "../../manifests/x509/certificate-request.ts";
import { boxLayout } from "../procedures/layout.ts";
import { keyInForce } from "../procedures/orders/key-in-force.ts";
import { sharePath } from "../procedures/shares-of.ts";
import { certifyRequest } from "../provision/test-pki.ts";
import { type Cast, withNewToken } from "./cast.ts";
import type { PlayedAt, Rehearsed } from "./rehearse.ts";
import { rehearse } from "./rehearse.ts";
import type { RehearsedBox } from "./rehearsed-box.ts";
import { writeRehearsedFile } from "./rehearsed-file.ts";
import { keepSigner, type RunningSigner, startSigner, unlockByCast } from "./running-signer.ts";

export class Rehearsal {
  readonly made: RehearsedBox;
  readonly socket: string;
  readonly #at: PlayedAt;
  readonly #done: Rehearsed[];
  #cast: Cast;
  #signer: RunningSigner | undefined;
  #shares: ReadonlyMap<string, string>;
  #second: ReadonlyMap<string, string> | undefined;

  constructor(made: RehearsedBox, at: PlayedAt) {
    this.made = made;
    this.socket = join(made.wanted.run, "unlock.sock");
    this.#at = at;
    this.#cast = made.cast;
    this.#shares = made.shares;
    this.#done = [...made.ceremonies];
  }

  get done(): readonly Rehearsed[] {
    return this.#done;
  }

  get cast(): Cast {
    return this.#cast;
  }

  get stick(): string {
    return this.made.wanted.stick;
  }

  /** Archive number of the next ceremony. */
  get archive(): string {
    return archiveOf(this.#done.length + 1);
  }

  /** Members that ceremonies about a running box share. */
  get common(): { readonly [name: string]: Json } {
    const { box, stick, threshold } = this.made.wanted;
    const held = (shares: ReadonlyMap<string, string>) => ({
      shares: [...shares].map(([person, file]) => ({ file, person })),
      threshold,
    });
    const second = this.#second ? { second: held(this.#second) } : {};
    return { box, stick, unlock: held(this.#shares), unlockSocket: this.socket, ...second };
  }

  /** Holds one ceremony to its end. Refuses what refused a step. */
  async hold(ceremony: string, title: string, parameters: { readonly [name: string]: Json }): Promise<Rehearsed> {
    const { people } = this.#cast;
    const { appliance } = this.made.wanted;
    const what = { appliance, archive: this.archive, ceremony, parameters, people, title };
    const path = await writeRehearsedFile(this.made.paths.dir, what);
    const held = await this.play(path);
    this.#done.push(held);
    return held;
  }

  /** Plays the ceremony of a file. */
  protected play(path: string): Promise<Rehearsed> {
    return rehearse(path, this.#cast, this.#at);
  }

  /** Locks, and unlocks by the shares in these files. */
  async unlockBy(files: readonly string[]): Promise<void> {
    await lock(this.socket);
    await unlockByCast(this.socket, this.#cast, files);
  }

  /** Unlocks by as many shares as it takes. */
  async unlock(): Promise<void> {
    const files = [...this.#shares.values()].slice(0, this.made.wanted.threshold);
    await unlockByCast(this.socket, this.#cast, files);
  }

  /** Somebody gets another token, for one that was lost. */
  async replaceToken(id: string): Promise<void> {
    const folder = join(this.made.paths.dir, `${id}-${this.archive}`);
    await mkdir(folder, { mode: 0o700 });
    this.#cast = await withNewToken(this.#cast, this.made.root, id, folder);
  }

  /** From now on these holders have the shares that ceremony `archive` wrote. */
  holdersNow(archive: string, holders: readonly string[], purpose: "unlock" | "recovery" = "unlock"): void {
    this.#shares = new Map(holders.map((id) => [id, sharePath(this.stick, archive, purpose, id)]));
  }

  /** From now on ceremonies prove the second token by the shares that ceremony `archive` wrote; undefined: there is none. */
  secondNow(archive: string | undefined, holders: readonly string[] = []): void {
    if (archive === undefined) this.#second = undefined;
    else this.#second = new Map(holders.map((id) => [id, sharePath(this.stick, archive, "unlock", id)]));
  }

  /** The last order that the box took. */
  async orders(): Promise<{ readonly number: number }> {
    return (await boxStanding(this.socket)).orders;
  }

  /** The token in this folder is gone, as if somebody had carried it away; its module still starts. */
  async loseToken(folder = "hsm"): Promise<void> {
    const tokens = join(this.made.paths.dir, folder, "tokens");
    await rename(tokens, `${tokens}-lost`);
    await mkdir(tokens, { mode: 0o700 });
  }

  /** The signer that is kept running for this box; whoever asked ends it. */
  async start(): Promise<void> {
    const { box, dir } = this.made.paths;
    this.#signer = await startSigner(box.signerJson, this.socket, dir);
  }

  async stop(): Promise<void> {
    await this.#signer?.stop();
  }

  /** The box's disk is gone, as if it had burnt; a signer is kept ready for the box that will be made anew. */
  async loseDisk(): Promise<void> {
    const { box, dir } = this.made.paths;
    await this.stop();
    await rename(box.folder, `${box.folder}-lost-${this.archive}`);
    this.#signer = keepSigner(box.signerJson, dir);
  }

  /** Where the token of the genesis is. */
  async firstToken(): Promise<{ readonly environment: Json; readonly module: Json }> {
    const file = JSON.parse(await readFile(join(this.made.paths.dir, "genesis.json"), "utf8")) as {
      readonly parameters: { readonly token: { readonly environment: Json; readonly module: Json } };
    };
    const { environment, module } = file.parameters.token;
    return { environment, module };
  }

  /** SHA-256 of the key in force, hex. */
  async keyInForce(purpose: KeyPurpose): Promise<string> {
    return hex(sha256(keyInForce(await boxKeys(this.socket), purpose).spki));
  }

  /** SHA-256 of the staged key that was recorded last for a purpose, hex. */
  async stagedKey(purpose: KeyPurpose): Promise<string> {
    const staged = (await boxKeys(this.socket)).filter((key) => key.purpose === purpose && !key.inForce);
    return hex(sha256(staged.at(-1)?.spki ?? new Uint8Array(0)));
  }

  /** The made-up CA certifies a request that the box kept; the parameters of the ceremony that brings it in. */
  async certified(request: string, purpose: KeyPurpose): Promise<{ readonly [name: string]: Json }> {
    const layout = boxLayout(this.made.wanted.box);
    const kept = request.startsWith("successor/")
      ? join(boxLayout(layout.successor).requests, request.slice("successor/".length))
      : join(layout.requests, request);
    const asked = await verifyCertificateRequest(nodeHost, await readFile(kept));
    const path = join(this.made.paths.dir, `${this.archive}-${purpose}.der`);
    await writeFile(path, certifyRequest(this.made.root, asked));
    return { certificates: [path], key: hex(sha256(asked.spki)), request, roots: [this.made.wanted.root] };
  }
}

/** R-001 and so on. */
export function archiveOf(number: number): string {
  return `R-${String(number).padStart(3, "0")}`;
}

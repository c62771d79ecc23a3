/** The keys of those who sign a transcript: collected before its last entry, so that whoever cannot sign still can be struck out. */

import type { SigningKey } from "../../manifests/cms/sign.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { CeremonyFile } from "./ceremony-file.ts";
import { personKey, personOf } from "./people.ts";
import type { Scene } from "./scene.ts";

export class Signers {
  #keys: (SigningKey & { wipe(): void })[] = [];

  get keys(): readonly SigningKey[] {
    return this.#keys;
  }

  /**
   * Asks each for the PIN and has the token prove its key; of whoever cannot, and is not to try again, `strike` is told.
   * Refuses STOPPED, and what was refused last where whoever leads stops.
   */
  async collect(
    scene: Scene,
    file: CeremonyFile,
    ids: readonly string[],
    leader: string,
    strike: (id: string, why: string) => void,
  ): Promise<void> {
    for (const id of ids) {
      for (let asking = true; asking; ) {
        const fault = await this.#add(scene, file, id);
        if (!fault) break;
        scene.say(`${fault.code}: ${fault.message}`);
        const choice = await scene.decide(leader, ["again", "strike", "stop"]);
        if (choice === "stop") throw fault;
        asking = choice === "again";
        if (!asking) strike(id, fault.message);
      }
    }
  }

  wipe(): void {
    for (const key of this.#keys) key.wipe();
    this.#keys = [];
  }

  async #add(scene: Scene, file: CeremonyFile, id: string): Promise<Refusal | undefined> {
    try {
      this.#keys.push(await personKey(scene, personOf(file, id)));
      return undefined;
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code === "STOPPED") throw fault;
      return fault;
    }
  }
}

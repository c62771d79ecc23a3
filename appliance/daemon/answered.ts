/**
 * What was already answered: inbox folders by name and fingerprint, and control files by digest. One durable file;
 * losing it loses nothing but causes work to be done again.
 */

import { readFile } from "node:fs/promises";
import { writeDurable } from "../../host/durable.ts";
import { InTurn } from "../../host/in-turn.ts";
import { canonicalBytes, type Json, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import {
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  type Read,
  text,
  utc,
} from "../../manifests/encoding/shape.ts";
import { type RefusalCode, refusalTable } from "../../manifests/refusal.ts";

const readAnswer = object({
  at: utc,
  batchDigest: nullable(hexText()),
  fingerprint: hexText(),
  folder: text(64),
  outcome: oneOf(["released", "refused", "rejected", "aborted"]),
  /** why it was refused */
  refusal: nullable(
    object({ code: oneOf(Object.keys(refusalTable) as readonly RefusalCode[]), message: text(2000, { min: 0 }) }),
  ),
});
export type GivenAnswer = Read<typeof readAnswer>;

const readImport = object({ digest: hexText(), kind: text(32), number: integer(0) });
export type DoneImport = Read<typeof readImport>;

const most = 5_000;
const readFileValue = object({
  answers: list(readAnswer, 0, most),
  imports: list(readImport, 0, most),
  version: literal(1),
});

export class Answered {
  readonly #path: string;
  #answers: readonly GivenAnswer[] = [];
  #imports: readonly DoneImport[] = [];
  readonly #writes = new InTurn();

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the file. One that is missing or cannot be read counts as empty and is told to `lost`. */
  async open(lost: (fault: unknown) => void): Promise<void> {
    try {
      const { answers, imports } = readFileValue(readCanonical(await readFile(this.#path)), "answered.json");
      this.#answers = answers;
      this.#imports = imports;
    } catch (fault) {
      lost(fault);
    }
  }

  get answers(): readonly GivenAnswer[] {
    return this.#answers;
  }

  answerTo(folder: string, fingerprint: string): GivenAnswer | undefined {
    return this.#answers.findLast((one) => one.folder === folder && one.fingerprint === fingerprint);
  }

  importOf(digest: string): DoneImport | undefined {
    return this.#imports.findLast((one) => one.digest === digest);
  }

  /** Durable on return. Refuses with STORE. */
  async add(answer: GivenAnswer): Promise<void> {
    const others = this.#answers.filter(
      ({ folder, fingerprint }) => folder !== answer.folder || fingerprint !== answer.fingerprint,
    );
    this.#answers = [...others, answer].slice(-most);
    await this.#write();
  }

  /** Durable on return. Refuses with STORE. */
  async addImport(done: DoneImport): Promise<void> {
    this.#imports = [...this.#imports, done].slice(-most);
    await this.#write();
  }

  /** One write after another, each of the newest content. */
  #write(): Promise<void> {
    return this.#writes.run(() =>
      writeDurable(
        this.#path,
        canonicalBytes({ answers: this.#answers, imports: this.#imports, version: 1 } as unknown as Json),
      ),
    );
  }
}

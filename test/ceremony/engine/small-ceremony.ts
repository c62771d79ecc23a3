/** A small ceremony with real tokens: an administrator and a witness who sign in ink, two officers who hold SoftHSM tokens. */

import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CeremonyFile, readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { hold } from "../../../ceremony/engine/hold.ts";
import type { HoldParts } from "../../../ceremony/engine/hold-parts.ts";
import { type Play, type PlayedScene, playedScene } from "../../../ceremony/engine/played-scene.ts";
import type { Procedure, Step } from "../../../ceremony/engine/procedure.ts";
import { RecordFile } from "../../../ceremony/engine/record-file.ts";
import { recordFolder } from "../../../ceremony/engine/records-folder.ts";
import { makeSoftToken } from "../../../ceremony/provision/soft-token.ts";
import { certify, makeRoot } from "../../../ceremony/provision/test-pki.ts";
import { fromBase64 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { Refusal } from "../../../manifests/refusal.ts";

export interface SmallCeremony {
  readonly dir: string;
  readonly pins: ReadonlyMap<string, string>;
  /** what the ceremony file says, to change for a test */
  readonly json: Record<string, unknown>;
}

export async function smallCeremony(): Promise<SmallCeremony> {
  const dir = await mkdtemp(join(tmpdir(), "coldseal-ceremony-"));
  const root = makeRoot();
  const pins = new Map<string, string>();
  const officers = ["op1", "op2"].map(async (id) => {
    const folder = join(dir, id);
    await mkdir(folder);
    const token = await makeSoftToken(folder, id, [{ label: "approval", kind: "p256" }], "digits");
    const [key] = token.keys;
    pins.set(id, token.pin);
    const der = certify(root, ownOids(documentationArc), "operator", `Officer ${id}`, fromBase64(key?.spki ?? ""));
    await writeFile(join(folder, "certificate.der"), der);
    const { module, environment } = token.place;
    const place = { module, environment: { ...environment }, uri: token.uri };
    return {
      id,
      name: `Officer ${id}`,
      roles: ["officer"],
      signs: { certificate: `${id}/certificate.der`, key: key?.uri, token: place },
    };
  });
  const people = [
    { id: "admin", name: "Ada Administrator", roles: ["administrator"] },
    { id: "wit", name: "Wim Witness", roles: ["witness"] },
    ...(await Promise.all(officers)),
  ];
  const json = {
    appliance: "box-1",
    archive: "2026-001",
    ceremony: "small",
    parameters: {},
    people,
    place: "Vault 2",
    scheduled: "2026-11-26T09:00:00Z",
    title: "A small ceremony",
    type: "ceremony",
    version: 1,
    video: null,
  };
  return { dir, pins, json };
}

/** Writes the file with changed members and reads it. */
export async function fileOf(
  { dir, json }: SmallCeremony,
  change: Record<string, unknown> = {},
): Promise<CeremonyFile> {
  const path = join(dir, "ceremony.json");
  await writeFile(path, JSON.stringify({ ...json, ...change }));
  return readCeremonyFile(path);
}

export function step(id: string, more: Partial<Step> = {}): Step {
  return {
    id,
    title: `Do ${id}`,
    acts: "the administrator",
    checks: "the witness",
    minutes: 1,
    script: [`Do ${id}.`],
    wayBack: "Try again.",
    needs: [],
    perform: async () => ({ people: ["admin"], facts: { did: id } }),
    ...more,
  };
}

export const plainSteps = [step("first"), step("second", { needs: ["first"] })];

export function procedureOf({ dir }: Pick<SmallCeremony, "dir">, steps: readonly Step[] = plainSteps): Procedure {
  return {
    name: "small",
    purpose: "To test.",
    steps,
    simulated: true,
    records: join(dir, "records"),
    media: join(dir, "stick"),
    arc: documentationArc,
    tokenCheck: async () => ({ token: "none" }),
    countersign: async (_, p7m) => p7m,
  };
}

export interface Setting {
  readonly file: CeremonyFile;
  readonly procedure: Procedure;
  readonly scene: PlayedScene;
  readonly said: string[];
}

export function settingOf(
  small: SmallCeremony,
  file: CeremonyFile,
  steps: readonly Step[],
  play: Partial<Play> = {},
): Setting {
  const said: string[] = [];
  const scene = playedScene({
    // Signing takes a process a person: one officer is enough for most.
    here: (person) => person !== "op2",
    secret: (person) => small.pins.get(person) ?? "",
    say: (line) => void said.push(line),
    ...play,
  });
  return { file, procedure: procedureOf(small, steps), scene, said };
}

/** Opens the record, works, closes it again. */
export async function withRecord<T>(setting: Setting, work: (parts: HoldParts) => Promise<T>): Promise<T> {
  const { file, procedure, scene } = setting;
  const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
  try {
    return await work({ procedure, file, run: "rehearsal", scene, record, now: () => utcOf(Date.now()) });
  } finally {
    record.close();
  }
}

export const holdIt = (setting: Setting) => withRecord(setting, hold);

export const refused = new Refusal("CEREMONY-STEP", "it did not go", {
  expected: "that it goes",
  got: "something else",
});

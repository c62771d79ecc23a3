import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { abandon } from "../../../ceremony/engine/hold.ts";
import type { Held } from "../../../ceremony/engine/hold-parts.ts";
import { certificatesDigest, namedCertificates } from "../../../ceremony/engine/named-certificates.ts";
import { RecordFile } from "../../../ceremony/engine/record-file.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../../manifests/records/transcript.ts";
import { codeOf } from "../software-box.ts";
import {
  fileOf,
  holdIt,
  plainSteps,
  refused,
  type SmallCeremony,
  settingOf,
  smallCeremony,
  step,
  withRecord,
} from "./small-ceremony.ts";

const oids = ownOids(documentationArc);
let small: SmallCeremony;
let archive = 0;

beforeAll(async () => {
  small = await smallCeremony();
});
afterAll(() => rm(small.dir, { recursive: true, force: true }));
beforeEach(() => {
  archive += 1;
});
const newFile = () => fileOf(small, { archive: `2026-${archive}` });

async function transcriptOf(held: Held) {
  if (held.outcome === "paused") throw held.refusal ?? new Error(`paused at ${held.next}`);
  return { ...(await verifyTranscript(nodeHost, oids, await readFile(held.path))), path: held.path };
}

describe("a ceremony that is held", () => {
  it("TRANSCRIPT: leaves a transcript of every step, signed by all with a token, that OpenSSL verifies", async () => {
    const held = await holdIt(settingOf(small, await newFile(), plainSteps, { here: () => true }));
    const { transcript, signers, path, digest } = await transcriptOf(held);
    expect(transcript.entries.map(({ kind, step: id }) => [kind, id])).toEqual([
      ["opened", null],
      ["done", "first"],
      ["done", "second"],
      ["completed", null],
    ]);
    expect([...signers].sort()).toEqual(["op1", "op2"]);
    expect(held).toMatchObject({ outcome: "completed", digest });
    expect(transcript.entries[0]?.facts["software digest"]).toBe(transcript.software.digest);
    const words = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", path, "-out", "/dev/null"];
    execFileSync("openssl", words, { stdio: "ignore" });
  });

  it("TRANSCRIPT: each transcript names the one before it", async () => {
    const first = await transcriptOf(await holdIt(settingOf(small, await newFile(), plainSteps)));
    archive += 1;
    const second = await transcriptOf(await holdIt(settingOf(small, await newFile(), plainSteps)));
    expect(second.transcript.previous).toBe(first.digest);
  });

  it("CEREMONY-STEP: a refused step is recorded, and done after it is tried again", async () => {
    let tries = 0;
    const steps = [
      step("flaky", {
        perform: async () => {
          tries += 1;
          if (tries === 1) throw refused;
          return { people: ["op1"] };
        },
      }),
    ];
    const { transcript } = await transcriptOf(
      await holdIt(settingOf(small, await newFile(), steps, { decide: () => "again" })),
    );
    expect(transcript.entries.map(({ kind }) => kind)).toEqual(["opened", "failed", "done", "completed"]);
    expect(transcript.entries[1]).toMatchObject({
      text: "it did not go",
      facts: { code: "CEREMONY-STEP", expected: "that it goes", got: "something else" },
    });
  });

  it("CEREMONY-STEP: a step that may be left out is, by a deviation that says why and what instead", async () => {
    const steps = [step("extra", { mayBeSkipped: true, perform: () => Promise.reject(refused) }), step("last")];
    const { transcript } = await transcriptOf(
      await holdIt(settingOf(small, await newFile(), steps, { decide: () => "skip" })),
    );
    const deviation = transcript.entries.find(({ kind }) => kind === "deviation");
    expect(deviation).toMatchObject({
      step: "extra",
      facts: { skipped: "extra", instead: "as rehearsed" },
      people: ["admin"],
    });
  });

  it("CEREMONY-STEP: a step that may not be left out is not offered to be", async () => {
    const offered: string[] = [];
    const steps = [step("must", { perform: () => Promise.reject(refused) })];
    const play = {
      decide: (choices: readonly string[]) => {
        offered.push(...choices);
        return "stop" as const;
      },
    };
    expect((await holdIt(settingOf(small, await newFile(), steps, play))).outcome).toBe("paused");
    expect(offered).toEqual(["again", "strike", "stop", "abandon"]);
  });

  it("TRANSCRIPT: whoever is struck out does not sign, and stands in the transcript with the reason", async () => {
    let tries = 0;
    const steps = [
      step("tokens", {
        perform: async (stage) => {
          tries += 1;
          if (tries === 1) throw refused;
          return { people: [...stage.present()] };
        },
      }),
    ];
    const play = {
      here: () => true,
      decide: () => "strike" as const,
      answer: (_: string, question: string) => (question.startsWith("Who is struck") ? "op2" : undefined),
    };
    const { transcript, signers } = await transcriptOf(await holdIt(settingOf(small, await newFile(), steps, play)));
    expect(signers).toEqual(["op1"]);
    expect(transcript.entries.find(({ kind }) => kind === "struck")?.people).toEqual(["op2"]);
    expect(transcript.entries.find(({ kind }) => kind === "done")?.people).not.toContain("op2");
  });

  it("PIN-WRONG: whoever cannot sign at the end is struck out, and the ceremony ends all the same", async () => {
    const play = {
      here: () => true,
      decide: () => "strike" as const,
      secret: (person: string) => (person === "op2" ? "0000" : (small.pins.get(person) ?? "")),
    };
    const before = await smallCeremony();
    try {
      const file = await fileOf(before);
      const own = {
        ...play,
        secret: (person: string) => (person === "op2" ? "0000" : (before.pins.get(person) ?? "")),
      };
      const { signers, transcript } = await transcriptOf(await holdIt(settingOf(before, file, plainSteps, own)));
      expect(signers).toEqual(["op1"]);
      expect(transcript.entries.find(({ kind }) => kind === "struck")?.text).toContain("cannot sign");
    } finally {
      await rm(before.dir, { recursive: true, force: true });
    }
  });

  it("CEREMONY-STATE: without an administrator nobody leads, and nothing begins", async () => {
    const setting = settingOf(small, await newFile(), plainSteps, { here: (person) => person !== "admin" });
    expect(await codeOf(holdIt(setting))).toBe("CEREMONY-STATE");
    await withRecord(setting, async ({ record }) => expect(record.entries).toEqual([]));
  });

  it("CEREMONY-STEP: a paper that was printed from another file is found at the opening", async () => {
    const play = {
      answer: (_: string, question: string) => (question === "ceremony file" ? "adult amulet" : undefined),
    };
    expect(await codeOf(holdIt(settingOf(small, await newFile(), plainSteps, play)))).toBe("CEREMONY-STEP");
  });

  it("CEREMONY-FILE: steps that cannot succeed in their order are found before anything is done", async () => {
    const setting = settingOf(small, await newFile(), [step("second", { needs: ["first"] }), step("first")]);
    expect(await codeOf(holdIt(setting))).toBe("CEREMONY-FILE");
    await withRecord(setting, async ({ record }) => expect(record.entries).toEqual([]));
  });
});

describe("a ceremony that is interrupted", () => {
  it("CEREMONY-STATE: goes on where it stood, and does nothing twice", async () => {
    const done: string[] = [];
    const doing = (id: string) => async () => {
      done.push(id);
      return { people: ["admin"], facts: { id } };
    };
    const steps = [step("one", { perform: doing("one") }), step("two", { perform: doing("two") })];
    const file = await newFile();
    const paused = await holdIt(settingOf(small, file, steps, { begin: ({ id }) => (id === "two" ? "stop" : "go") }));
    expect(paused).toMatchObject({ outcome: "paused", next: "two" });
    const { transcript } = await transcriptOf(await holdIt(settingOf(small, file, steps)));
    expect(done).toEqual(["one", "two"]);
    expect(transcript.entries.map(({ kind }) => kind)).toEqual(["opened", "done", "resumed", "done", "completed"]);
  });

  it("CEREMONY-STATE: goes back to where what lay in memory only was made", async () => {
    const made: string[] = [];
    const secretly = step("make", {
      perform: async ({ secrets }) => {
        made.push("make");
        secrets.keep("it", Uint8Array.of(1));
        return { people: [] };
      },
    });
    const using = step("use", {
      needs: ["make"],
      restartAt: "make",
      perform: async ({ secrets }) => ({ people: [], facts: { it: `${secrets.use("it")[0]}` } }),
    });
    const file = await newFile();
    await holdIt(settingOf(small, file, [secretly, using], { begin: ({ id }) => (id === "use" ? "stop" : "go") }));
    const { transcript } = await transcriptOf(await holdIt(settingOf(small, file, [secretly, using])));
    expect(made).toEqual(["make", "make"]);
    expect(transcript.entries.map(({ kind, step: id }) => `${kind} ${id}`)).toEqual([
      "opened null",
      "done make",
      "resumed make",
      "done make",
      "done use",
      "completed null",
    ]);
  });

  it("CEREMONY-STATE: a line that a power cut left unfinished counts for nothing", async () => {
    const file = await newFile();
    const setting = settingOf(small, file, plainSteps, { begin: ({ id }) => (id === "second" ? "stop" : "go") });
    await holdIt(setting);
    const path = join(setting.procedure.records, `${file.archive}-small`, "entries.jsonl");
    await appendFile(path, '{"facts":{},"ind');
    expect((await transcriptOf(await holdIt(settingOf(small, file, plainSteps)))).transcript.entries).toHaveLength(5);
  });

  it("CEREMONY-STATE: a record that was changed is not gone on with", async () => {
    const file = await newFile();
    const setting = settingOf(small, file, plainSteps, { begin: ({ id }) => (id === "second" ? "stop" : "go") });
    await holdIt(setting);
    const path = join(setting.procedure.records, `${file.archive}-small`, "entries.jsonl");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"known answers"', '"unknown answers"'));
    expect(await codeOf(holdIt(setting))).toBe("CEREMONY-STATE");
    await writeFile(path, text.replace('"opened"', '"opend"'));
    expect(await codeOf(holdIt(setting))).toBe("CEREMONY-STATE");
  });

  it("CEREMONY-STATE: another ceremony file does not go on with it", async () => {
    const file = await newFile();
    await holdIt(settingOf(small, file, plainSteps, { begin: () => "stop" }));
    const changed = await fileOf(small, { archive: file.archive, place: "Vault 3" });
    expect(await codeOf(holdIt(settingOf(small, changed, plainSteps)))).toBe("CEREMONY-STATE");
  });

  it("BUSY: two do not hold it at once", async () => {
    const setting = settingOf(small, await newFile(), plainSteps);
    await withRecord(setting, async () => expect(await codeOf(holdIt(setting))).toBe("BUSY"));
  });

  it("TRANSCRIPT: is abandoned with a reason; its transcript is signed and says so, and it is over", async () => {
    const file = await newFile();
    const setting = settingOf(small, file, plainSteps, { begin: ({ id }) => (id === "second" ? "stop" : "go") });
    await holdIt(setting);
    const held = await withRecord(settingOf(small, file, plainSteps), abandon);
    const { transcript } = await transcriptOf(held);
    expect(transcript).toMatchObject({ outcome: "abandoned" });
    expect(transcript.entries.at(-1)).toMatchObject({ kind: "abandoned", text: "as rehearsed" });
    expect(await codeOf(withRecord(settingOf(small, file, plainSteps), abandon))).toBe("CEREMONY-STATE");
  });

  it("TRANSCRIPT: signatures that were cut off are made when it is held again", async () => {
    const file = await newFile();
    const setting = settingOf(small, file, plainSteps);
    let steps = 0;
    const failing = {
      ...setting,
      procedure: {
        ...setting.procedure,
        countersign: async () => {
          steps += 1;
          throw refused;
        },
      },
    };
    expect(await codeOf(holdIt(failing))).toBe("CEREMONY-STEP");
    expect(steps).toBe(1);
    expect(existsSync(join(setting.procedure.media, `coldseal/transcripts/${file.archive}-small.p7m`))).toBe(false);
    expect((await transcriptOf(await holdIt(setting))).transcript.outcome).toBe("completed");
  });
});

describe("a ceremony that is over", () => {
  it("CEREMONY-STATE: held again it says so, asks nobody and signs nothing anew; its transcript is put back on the medium", async () => {
    const file = await newFile();
    const setting = settingOf(small, file, plainSteps);
    const held = await holdIt(setting);
    if (held.outcome !== "completed") throw new Error("it did not end");
    const signed = readFileSync(held.path);
    rmSync(held.path);
    const asked: string[] = [];
    const note = { answer: (_: string, question: string) => void asked.push(question) };
    expect(await holdIt(settingOf(small, file, plainSteps, note))).toEqual(held);
    expect(asked).toEqual([]);
    expect(readFileSync(held.path).equals(signed)).toBe(true);
  });

  it("CEREMONY-FILE: certificates that were changed behind the file's paths since the script was printed are found at the opening", async () => {
    const file = await newFile();
    const printed = certificatesDigest(namedCertificates(file));
    const { signs } = file.people.find(({ id }) => id === "op2") as CeremonyFile["people"][number];
    const path = signs?.certificate ?? "";
    const right = readFileSync(path);
    writeFileSync(path, readFileSync(file.people.find(({ id }) => id === "op1")?.signs?.certificate ?? ""));
    try {
      expect(certificatesDigest(namedCertificates(file))).not.toBe(printed);
      const fromPaper = (_: string, question: string) => (question === "certificates" ? "adult amulet" : undefined);
      expect(await codeOf(holdIt(settingOf(small, file, plainSteps, { answer: fromPaper })))).toBe("CEREMONY-STEP");
    } finally {
      writeFileSync(path, right);
    }
  });
});

describe("a ceremony's record", () => {
  it("STORE: what was appended is there after the process is gone", async () => {
    const setting = settingOf(small, await newFile(), plainSteps);
    const folder = join(small.dir, "records", `kept-${archive}`);
    const record = await RecordFile.open(folder, setting.file.digest);
    const entry = {
      facts: {},
      kind: "opened",
      people: [],
      shown: [],
      step: null,
      text: null,
      time: "2026-11-26T09:00:00Z",
    } as const;
    const kept = record.append({ ...entry, people: [], shown: [] });
    record.close();
    const again = await RecordFile.open(folder, setting.file.digest);
    expect(again.entries).toEqual([kept]);
    expect(again.head).toBe(record.head);
    again.close();
    await rm(folder, { recursive: true });
  });
});

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { boxLayout, wrappedPath } from "../../../ceremony/procedures/layout.ts";
import { procedureOf } from "../../../ceremony/procedures/registry.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { verifyGenesis } from "../../../manifests/records/policy-chain.ts";
import { codeOf } from "../software-box.ts";
import { facts, type GenesisJson, genesisPeople, holdGenesis, newBox, oids, transcriptOf } from "./genesis-box.ts";

genesisPeople();

describe("genesis", () => {
  it("GENESIS: wrong answers are refused and recorded, a person is struck out, a pause takes the PIN, and it ends all the same", async () => {
    const box = await newBox();
    const wrong = new Map<string, string[]>();
    const once = (step: string, ...answers: string[]) => wrong.set(step, answers);
    once("The time of", "2020-01-01 00:00:00");
    once("op3 PIN", "0000", "0000", "0000");
    once("op1 again", ...["another passphrase", "not that either", "nor that one"]);
    once("op2 check", "no", "no", "no");
    once("op1 policy", "adult amulet");
    const answer = (person: string, question: string) => {
      const asked = /The time of/.test(question)
        ? "The time of"
        : question.includes("PIN of your token")
          ? `${person} PIN`
          : question.includes("passphrase again")
            ? `${person} again`
            : question.includes("the passphrase of share")
              ? `${person} check`
              : question === "policy number 1"
                ? `${person} policy`
                : "";
      return wrong.get(asked)?.shift();
    };
    let failures = 0;
    const decide = () => {
      failures += 1;
      return failures === 2 ? ("strike" as const) : ("again" as const);
    };
    const struck = (person: string, question: string) =>
      question.startsWith("Who is struck") ? "op3" : answer(person, question);
    const first = await holdGenesis(box.file, {
      answer: struck,
      decide,
      begin: ({ id }) => (id === "sealing-key" ? "stop" : "go"),
    });
    expect(first.held).toMatchObject({ outcome: "paused", next: "sealing-key" });
    const asked: string[] = [];
    const note = (person: string, question: string) => {
      if (question.includes("the passphrase of share")) asked.push(person);
      return struck(person, question);
    };
    const here = (person: string) => person !== "op3";
    const transcript = await transcriptOf((await holdGenesis(box.file, { answer: note, decide, here })).held);
    const failed = transcript.entries
      .filter(({ kind }) => kind === "failed")
      .map(({ step, facts: { code } }) => `${step} ${code}`);
    expect(failed).toEqual([
      "clock CEREMONY-STEP",
      "people PIN-WRONG",
      "split CEREMONY-STEP",
      "share-check PASSPHRASE-WRONG",
      "policy CEREMONY-STEP",
    ]);
    const check = transcript.entries.find(({ kind, step }) => kind === "failed" && step === "share-check");
    expect(check?.facts.about).toBe("share 2 of 2, op2's");
    expect(asked).toEqual(["op1", "op2"]);
    expect(transcript.entries.find(({ kind }) => kind === "struck")?.people).toEqual(["op3"]);
    const policy = await verifyGenesis(nodeHost, oids, readFileSync(boxLayout(box.box).genesis));
    expect(policy.policy.people.map(({ id }) => id)).toEqual(["op1", "op2", "keeper", "desk"]);
    expect(facts(transcript, "split").threshold).toBe("2 of 2");
  });

  it("GENESIS: a folder that is a box, or another genesis's, is not written over, at whatever step that one is gone on with", async () => {
    const stopAt = (at: string) => ({
      begin: ({ id }: { id: string }) => (id === at ? ("stop" as const) : ("go" as const)),
    });
    const box = await newBox();
    const another = async (archive: string, label: string) => {
      const json = JSON.parse(readFileSync(box.file, "utf8")) as GenesisJson & { archive: string };
      Object.assign(json, { archive });
      Object.assign(json.parameters.token as object, { label });
      const path = box.file.replace(/[^/]*$/, `${archive}.json`);
      writeFileSync(path, JSON.stringify(json));
      return path;
    };
    const early = await another("2026-8", "early");
    expect((await holdGenesis(early, stopAt("token"))).held).toMatchObject({ outcome: "paused", next: "token" });
    expect((await holdGenesis(box.file, stopAt("relock"))).held).toMatchObject({ outcome: "paused" });
    const layout = boxLayout(box.box);
    const wrapped = readFileSync(wrappedPath(layout, "unlock"));
    // Both were begun; the folder is the second one's, which made something.
    expect(await codeOf(holdGenesis(early))).toBe("STORE");
    expect(await codeOf(holdGenesis(await another("2026-9", "late")))).toBe("STORE");
    expect(readFileSync(wrappedPath(layout, "unlock")).equals(wrapped)).toBe(true);
    expect((await holdGenesis(box.file)).held).toMatchObject({ outcome: "completed" });
    const made = [layout.signerJson, wrappedPath(layout, "unlock")].map((path) => readFileSync(path));
    await expect(holdGenesis(early)).rejects.toMatchObject({ code: "STORE", message: "this folder is a box already" });
    await expect(holdGenesis(await another("2026-10", "later"))).rejects.toMatchObject({ code: "STORE" });
    const after = [layout.signerJson, wrappedPath(layout, "unlock")].map((path) => readFileSync(path));
    expect(after).toEqual(made);
  });

  it("GENESIS: the SO PIN that a maker set is asked for, and is in no file, script or record", async () => {
    const box = await newBox(({ parameters }) => Object.assign(parameters.token as object, { makersSoPin: true }));
    const makers = "maker-3537363231383830";
    const asked: string[] = [];
    const answer = (person: string, question: string) => {
      if (!question.includes("SO PIN that the token's maker set")) return undefined;
      asked.push(person);
      return makers;
    };
    const secretOf = {
      answer,
      begin: ({ id }: { readonly id: string }) => (id === "audit-key" ? "stop" : "go") as "stop" | "go",
    };
    const { held } = await holdGenesis(box.file, secretOf);
    expect(held).toMatchObject({ outcome: "paused", next: "audit-key" });
    expect(asked).toEqual(["ada"]);
    const files = readdirSync(box.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const holding = files.filter(({ name, parentPath }) => readFileSync(join(parentPath, name)).includes(makers));
    expect(holding.map(({ name }) => name)).toEqual([]);
  });

  it("CEREMONY-FILE: what cannot be held is refused before anything is made", async () => {
    const codes: string[] = [];
    for (const change of [
      (json: GenesisJson) => Object.assign(json.parameters, { secret: "x" }),
      (json: GenesisJson) =>
        Object.assign(json.parameters, {
          unlock: { holders: [{ person: "op1" }, { person: "nobody" }], threshold: 2 },
        }),
      (json: GenesisJson) =>
        Object.assign(json.parameters, { unlock: { holders: [{ person: "op1" }, { person: "op1" }], threshold: 2 } }),
      (json: GenesisJson) =>
        Object.assign(json.parameters, { unlock: { holders: [{ person: "op1" }, { person: "op2" }], threshold: 3 } }),
      (json: GenesisJson) => Object.assign(json.parameters, { policy: { people: [] } }),
      (json: GenesisJson) => Object.assign(json, { ceremony: "exodus" }),
      (json: GenesisJson) => Object.assign(json, { people: json.people.filter(({ id }) => id !== "ada") }),
      (json: GenesisJson) => Object.assign(json, { people: [...json.people, json.people[0]] }),
    ]) {
      const box = await newBox(change);
      codes.push(await codeOf(Promise.resolve().then(() => procedureOf(readCeremonyFile(box.file)))));
      expect(existsSync(box.box)).toBe(false);
    }
    expect(new Set(codes)).toEqual(new Set(["CEREMONY-FILE"]));
  });
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { boxLayout } from "../../../ceremony/procedures/layout.ts";
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

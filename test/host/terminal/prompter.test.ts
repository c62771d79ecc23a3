import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { openPrompter } from "../../../host/terminal/prompter.ts";
import { Refusal } from "../../../manifests/refusal.ts";

/** A terminal that remembers whether it is raw; writes of the program are collected. */
function terminal() {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) });
  const written: string[] = [];
  const output = { write: (text: string) => written.push(text) };
  return { input, output, raw, screen: () => written.join(""), prompter: openPrompter(input, output) };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

async function code(work: Promise<unknown>): Promise<string> {
  const fault = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return fault instanceof Refusal ? fault.code : `no refusal: ${fault}`;
}

describe("questions at a terminal", () => {
  it("SECRET: a secret is not echoed, a line is", async () => {
    const { prompter, input, screen } = terminal();
    input.write("1234\rYes\r");
    expect(text(await prompter.secret("PIN of op1: "))).toBe("1234");
    expect(await prompter.line("Type Yes: ")).toBe("Yes");
    expect(screen()).toBe("PIN of op1: \nType Yes: Yes\n");
    prompter.close();
  });

  it("SECRET: the terminal stays raw between questions, so that pasted text is never echoed, and is given back", async () => {
    const { prompter, input, raw } = terminal();
    input.write("a\r");
    await prompter.line("? ");
    expect(raw).toEqual([true]);
    input.write("b\r");
    await prompter.line("? ");
    prompter.close();
    expect(raw).toEqual([true, false]);
  });

  it("SECRET: the terminal is raw before a question shows, so that a quick answer is not echoed", async () => {
    const { prompter, input, raw, output } = terminal();
    const rawAtQuestion: boolean[][] = [];
    output.write = (text) => {
      if (text === "PIN: ") rawAtQuestion.push([...raw]);
      return 1;
    };
    input.write("1234\r");
    await prompter.secret("PIN: ");
    expect(rawAtQuestion).toEqual([[true]]);
    prompter.close();
  });

  it("UX2: a question wider than the terminal is broken at spaces, and its answer stands behind it", async () => {
    const { prompter, input, screen } = terminal();
    input.write("Yes\r");
    await prompter.line(
      `Type Yes to approve as op1 with token op1 (serial ${"a".repeat(16)}), anything else to stop: `,
    );
    expect(
      screen()
        .split("\n")
        .filter((line) => line.length > 80),
    ).toEqual([]);
    expect(screen()).toMatch(/anything\nelse to stop: Yes\n$/);
    prompter.close();
  });

  it("UX1: Backspace takes back a whole character, Ctrl-U all, arrow keys nothing", async () => {
    const { prompter, input } = terminal();
    input.write("wrong\u0015aü\u007f\u001b[Db\u001bOA\r");
    expect(await prompter.line("? ")).toBe("ab");
    prompter.close();
  });

  it("UX1: a character or an escape sequence that comes in pieces is put together", async () => {
    const { prompter, input } = terminal();
    const answer = prompter.line("? ");
    for (const byte of Buffer.from("x€\u001b[3~y\r")) input.write(Buffer.of(byte));
    expect(await answer).toBe("x€y");
    prompter.close();
  });

  it.each(["\u0003", "\u0004"])("STOPPED: Ctrl-C and Ctrl-D end the question (%j)", async (key) => {
    const { prompter, input } = terminal();
    input.write(`abc\u0015${key}`);
    expect(await code(prompter.secret("PIN: "))).toBe("STOPPED");
    prompter.close();
  });

  it("USAGE: an answer without end is not collected", async () => {
    const { prompter, input } = terminal();
    input.write("a".repeat(2000));
    expect(await code(prompter.line("? "))).toBe("USAGE");
    prompter.close();
  });
});

describe("questions without a terminal", () => {
  it("UX7: lines are taken in order, with either line end, the last one without", async () => {
    const input = new PassThrough();
    const prompter = openPrompter(input, { write: () => undefined });
    expect(prompter.interactive).toBe(false);
    input.end("first\r\nsecond\nthird");
    expect(await prompter.line("1? ")).toBe("first");
    expect(text(await prompter.secret("2? "))).toBe("second");
    expect(await prompter.line("3? ")).toBe("third");
    expect(await code(prompter.line("4? "))).toBe("STOPPED");
    prompter.close();
  });
});

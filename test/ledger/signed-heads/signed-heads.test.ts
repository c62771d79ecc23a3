/** What a key signed last never goes back: not by a caller, not by a copy of the file, not by a crash between the two files. */

import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { headsPlace, writeHeadsPlace } from "../../../ledger/signed-heads/heads-place.ts";
import { makeSignedHeads, openSignedHeads, type SignedHeads } from "../../../ledger/signed-heads/signed-heads.ts";
import { suspicion } from "../../../ledger/signed-heads/suspicion.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { history } from "../trees.ts";

const origin = "log.example/1";
const tree = history();
const note = utf8("note");

let folder: string;
let open: SignedHeads[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-heads-"));
  await makeSignedHeads(headsPlace(folder));
});
afterEach(() => {
  for (const one of open) one.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

async function heads(origins = [origin]): Promise<SignedHeads> {
  const opened = await openSignedHeads(headsPlace(folder), origins);
  open.push(opened);
  return opened;
}

/** Opens, lets `work` run, closes. */
async function during(work: (heads: SignedHeads) => Promise<unknown>): Promise<void> {
  const opened = await openSignedHeads(headsPlace(folder), [origin]);
  try {
    await work(opened);
  } finally {
    opened.close();
  }
}

const grown = (from: number, to: number) => (one: SignedHeads) =>
  one.advance(origin, tree.head(from), tree.head(to), note);

describe("heads", () => {
  it("LOG-HEAD: begin empty, grow, and are there again after they were opened anew", async () => {
    await during(async (one) => {
      expect(one.head(origin)).toMatchObject({ size: 0, stopped: null, note: null });
      await grown(0, 5)(one);
      await grown(5, 7)(one);
    });
    expect((await heads()).head(origin)).toEqual({ ...tree.head(7), note, stopped: null });
  });

  it("LOG-HEAD: of two who compare with the same tree, one is refused, whichever was first", async () => {
    const one = await heads();
    const settled = await Promise.allSettled([grown(0, 5)(one), grown(0, 6)(one)]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(one.head(origin).size).toBe(5);
    expect(await codeOf(grown(0, 6)(one))).toBe("LOG-HEAD");
    expect(await codeOf(one.advance(origin, { ...tree.head(5), root: tree.head(4).root }, tree.head(6), note))).toBe(
      "LOG-HEAD",
    );
  });

  it("BUSY: another process, or another opening, is kept out while they are open", async () => {
    const one = await heads();
    expect(await codeOf(openSignedHeads(headsPlace(folder), [origin]))).toBe("BUSY");
    one.close();
    open = [];
    await heads();
  });

  it("STORE: are not made where they are, nor opened where they are not or are something else", async () => {
    expect(await codeOf(makeSignedHeads(headsPlace(folder)))).toBe("STORE");
    const { counter, file } = headsPlace(folder);
    const db = new Database(file);
    db.exec("DROP TRIGGER heads_grow");
    db.close();
    expect(await codeOf(openSignedHeads({ counter, file }, [origin]))).toBe("STORE");
    writeFileSync(file, "something else");
    expect(await codeOf(openSignedHeads({ counter, file }, [origin]))).toBe("STORE");
    rmSync(file);
    expect(await codeOf(openSignedHeads({ counter, file }, [origin]))).toBe("STORE");
  });

  it.each([
    ["a smaller size", "UPDATE heads SET size = 4"],
    ["another root of one size", "UPDATE heads SET root = zeroblob(32)"],
    ["no head", "DELETE FROM heads"],
    ["another log's head", "UPDATE heads SET origin = 'x'"],
    ["a smaller counter", "UPDATE file SET counter = 0"],
    ["no file row", "DELETE FROM file"],
    ["a head in another's place", `INSERT OR REPLACE INTO heads VALUES ('${origin}', 1, zeroblob(32), NULL, NULL)`],
  ])("LOG-HEAD: the tables refuse %s", async (_, statement) => {
    await during(grown(0, 5));
    const db = new Database(headsPlace(folder).file);
    db.pragma("recursive_triggers = ON");
    expect(() => db.exec(statement)).toThrow(/SQLITE_CONSTRAINT|never|keeps|belongs|root/);
    db.close();
    expect((await heads()).head(origin)).toMatchObject({ size: 5, stopped: null });
  });
});

describe("an older state", () => {
  const { file, counter } = { file: "heads.db", counter: "counter.json" };
  const at = (name: string) => join(folder, name);

  it.each([
    ["the database alone is put back", [file], renameSync],
    ["the counter alone is put back", [counter], renameSync],
    ["both are put back", [file, counter], renameSync],
    ["both are written over in place", [file, counter], copyFileSync],
  ])(
    "LEDGER-STOPPED: %s: nothing is signed, also after another start, until a person moves it forward",
    async (...row) => {
      const [, names, putBack] = row;
      await during(grown(0, 5));
      for (const name of names) copyFileSync(at(name), at(`${name}.backup`));
      await during(grown(5, 9));
      await during(grown(9, 10));
      for (const name of names) putBack(at(`${name}.backup`), at(name));
      for (let start = 0; start < 2; start++) {
        await during(async (one) => {
          expect(one.head(origin).stopped).toMatch(/put back|another file/);
          expect(await codeOf(one.advance(origin, one.head(origin), tree.head(20), note))).toBe("LEDGER-STOPPED");
        });
      }
      await during(async (one) => {
        expect(await codeOf(one.forward(origin, tree.head(4)))).toBe("LOG-HEAD");
        const { size } = one.head(origin);
        expect(await codeOf(one.forward(origin, { size, root: tree.head(1).root }))).toBe("LOG-HEAD");
        await one.forward(origin, tree.head(10));
      });
      await during(grown(10, 11));
      expect((await heads()).head(origin)).toMatchObject({ size: 11, stopped: null });
    },
  );

  it("LEDGER-STOPPED: a log that is added to a state that was put back is stopped too", async () => {
    await during(grown(0, 5));
    copyFileSync(at(file), at("backup"));
    await during(grown(5, 9));
    renameSync(at("backup"), at(file));
    expect((await heads([origin, "log.example/2"])).head("log.example/2").stopped).toMatch(/put back/);
  });

  it("LEDGER-STOPPED: without its counter, or with another's file in its place", async () => {
    await during(grown(0, 5));
    rmSync(at(counter));
    await during(async (one) => expect(one.head(origin).stopped).toMatch(/counter is missing/));
    await during((one) => one.forward(origin, tree.head(5)));
    copyFileSync(at(file), at("copy"));
    renameSync(at("copy"), at(file));
    expect((await heads()).head(origin).stopped).toMatch(/another file/);
  });

  it("SHAPE: a counter that is none is refused, not taken for one", async () => {
    for (const [text, code] of [
      ["{}", "SHAPE"],
      ["", "JSON"],
      [`{"changed":"1","counter":1,"type":"signed-heads-counter","version":1} `, "JSON"],
      ["x".repeat(2000), "SHAPE"],
    ] as const) {
      writeFileSync(at(counter), text);
      expect(await codeOf(openSignedHeads(headsPlace(folder), [origin]))).toBe(code);
    }
  });

  it("LEDGER-STOPPED: a stop holds after a start, and the first reason stays", async () => {
    await during(async (one) => {
      await one.stop(origin, "first");
      await one.stop(origin, "second");
      expect(await codeOf(grown(0, 5)(one))).toBe("LEDGER-STOPPED");
    });
    expect((await heads()).head(origin).stopped).toBe("first");
  });

  it("LEDGER-STOPPED: the counter may be kept elsewhere, and must be there", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "coldseal-counter-"));
    try {
      const other = join(folder, "other");
      renameSync(headsPlace(folder).file, join(folder, "old.db"));
      await writeHeadsPlace(folder, join(elsewhere, "counter"));
      expect(headsPlace(folder).counter).toBe(join(elsewhere, "counter"));
      await makeSignedHeads(headsPlace(folder));
      await during(grown(0, 5));
      expect(existsSync(join(elsewhere, "counter"))).toBe(true);
      expect(existsSync(other)).toBe(false);
      rmSync(join(elsewhere, "counter"));
      expect((await heads()).head(origin).stopped).toMatch(/counter is missing/);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it.each([
    [{ beside: 7, changed: false, counter: 7, sameFile: true }, undefined],
    [{ beside: 6, changed: true, counter: 7, sameFile: true }, undefined],
    [{ beside: 5, changed: true, counter: 7, sameFile: true }, /counter was put back/],
    [{ beside: 8, changed: true, counter: 7, sameFile: true }, /it was put back/],
    [{ beside: 7, changed: false, counter: 7, sameFile: false }, /another file/],
    [{ beside: 7, changed: true, counter: 7, sameFile: true }, /changed since/],
    [{ beside: undefined, changed: false, counter: 7, sameFile: true }, /missing/],
  ])("LEDGER-STOPPED: %o", (found, expected) => {
    const why = suspicion(found);
    if (expected === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(expected);
  });

  it("LEDGER-STOPPED: a kill between the file and its counter is no older state", async () => {
    await during(async (one) => {
      await grown(0, 5)(one);
      copyFileSync(at(counter), at("before"));
      await grown(5, 9)(one);
    });
    renameSync(at("before"), at(counter));
    expect((await heads()).head(origin)).toMatchObject({ size: 9, stopped: null });
  });
});

import { beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { emptyLog, type NewEvent, readCustodyLog, withEvent } from "../../../manifests/records/custody.ts";
import { codeOf } from "../../ceremony/software-box.ts";
import { bytesOf, event, logOf, type MadeLog, outside, person, place, usualEvents } from "./custody-lines.ts";

let made: MadeLog;
beforeAll(async () => {
  made = await logOf(usualEvents);
});
const read = (bytes: Uint8Array) => readCustodyLog(nodeHost, bytes);
/** A line with other members, canonical all the same. */
const changed = (line: Uint8Array, change: { readonly [name: string]: Json }) =>
  canonicalBytes({ ...(readCanonical(line) as object), ...change } as Json);

describe("the custody log", () => {
  it("CUSTODY: is read as it was written, and says who holds what, in which seal", async () => {
    const log = await read(made.bytes);
    expect(log).toEqual(made.log);
    expect(log.held.get("token-1")).toMatchObject({ seal: "B-2", custodian: { kind: "place", name: "safe 2" } });
    expect(log.events.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(await read(new Uint8Array(0))).toEqual(emptyLog);
  });

  it("CHAIN: no line can be left out but the last ones, moved, repeated or changed unseen", async () => {
    const [one, two, three] = made.lines as [Uint8Array, Uint8Array, Uint8Array];
    const wrong = [
      [two, three],
      [one, three],
      [two, one, three],
      [one, one, two, three],
      [changed(one, { archive: "2026-005" }), two, three],
      [one, changed(two, { seal: "X" }), three],
      [one, two, changed(three, { number: 4 })],
      [one, two, changed(three, { previous: null })],
      [one, two, changed(three, { time: "2026-11-25T12:00:00Z" })],
      [one, two, changed(three, { appliance: "box-2" })],
      [one, two, changed(three, { run: "rehearsal" })],
      [one, two, changed(three, { deviation: null })],
    ];
    const codes = await Promise.all(wrong.map((lines) => codeOf(read(bytesOf(lines)))));
    expect(codes).toEqual(wrong.map(() => "CHAIN"));
  });

  it("SHAPE, JSON: unknown members, other forms and unfinished lines are refused", async () => {
    const [one] = made.lines as [Uint8Array];
    expect(await codeOf(read(bytesOf([changed(one, { colour: "red" })])))).toBe("SHAPE");
    expect(await codeOf(read(bytesOf([changed(one, { from: { kind: "place", name: "safe" } })])))).toBe("SHAPE");
    expect(await codeOf(read(bytesOf([changed(one, { serial: " 1" })])))).toBe("SHAPE");
    expect(await codeOf(read(one))).toBe("JSON");
    expect(await codeOf(read(utf8(`${fromUtf8(one)} \n`)))).toBe("JSON");
    expect(await codeOf(read(utf8("\n")))).toBe("JSON");
    expect(await codeOf(read(new Uint8Array(20_000)))).toBe("SHAPE");
  });

  it.each<[string, NewEvent]>([
    ["from one who does not hold it", event("token-1", person("op1"), person("op2"), { seal: "B-2" })],
    ["with its old seal", event("token-1", place("safe 2"), person("op2"), { seal: "B-1" })],
    ["without its seal", event("token-1", place("safe 2"), person("op2"), { seal: null })],
    ["with another serial number", event("token-1", place("safe 2"), person("op2"), { seal: "B-2", serial: "6F2D" })],
    ["as another kind of thing", event("token-1", place("safe 2"), person("op2"), { seal: "B-2", kind: "stick" })],
    ["from a person, though it is not known", event("token-2", person("op1"), person("op2"))],
    ["from outside, though it is known", event("token-1", outside("Supplier"), person("op2"), { seal: "B-2" })],
  ])("CHAIN: an asset that comes %s needs a deviation", async (_, next) => {
    expect(await codeOf(withEvent(nodeHost, made.log, next))).toBe("CHAIN");
    const { log } = await withEvent(nodeHost, made.log, { ...next, deviation: "it is so" });
    expect(log.events).toHaveLength(4);
  });

  it("CUSTODY: who acted for a place does not make it another custodian; a clock set back breaks no chain", async () => {
    const by = { id: "tom", name: "Person tom" };
    const next = event("token-1", { by, kind: "place", name: "safe 2" }, person("op2"), {
      seal: "B-2",
      time: "2026-01-01T00:00:00Z",
    });
    const { log } = await withEvent(nodeHost, made.log, next);
    expect(log.events.at(-1)?.time).toBe("2026-11-26T12:00:00Z");
  });
});

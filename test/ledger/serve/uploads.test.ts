import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { aService, inShort, type TestService } from "./a-service.ts";
import { begun, copies, logged, send, started } from "./sending.ts";
import { ending, tar, tarOf } from "./tars.ts";

let test: TestService;
let bundles: readonly [Bundle, Bundle];
beforeAll(async () => {
  bundles = (await chainOf(2)) as [Bundle, Bundle];
  test = await aService(bundles[0].genesis);
  await test.start();
});
afterAll(() => test.end());
afterEach(() => {
  test.log.length = 0;
  expect(copies(test)).toEqual([]);
});

describe("NOTHING-LOST: an upload", () => {
  it.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "400 UPLOAD"],
    ["no archive", utf8("x".repeat(2000)), "400 UPLOAD"],
    ["a link", tar([{ name: "coldseal/outbox", type: "2" }]), "400 UPLOAD"],
    ["a way out", tar([{ name: "../../store.sqlite", bytes: "x" }]), "400 UPLOAD"],
    [
      "a name twice",
      tar([
        { name: "a", bytes: "1" },
        { name: "a", bytes: "2" },
      ]),
      "400 UPLOAD",
    ],
    ["a file as a folder", tar([{ name: "a" }, { name: "a/b" }]), "400 UPLOAD"],
    ["a folder as a file", tar([{ name: "a/b" }, { name: "a" }]), "400 UPLOAD"],
    ["half an archive", tar([{ name: "a", bytes: "x".repeat(2000) }]).subarray(0, 1500), "400 UPLOAD"],
  ])("of %s is refused, and nothing is there", async (_, body, expected) => {
    const before = await test.ledger.records();
    expect(inShort(await send(test, body))).toBe(expected);
    expect(await test.ledger.records()).toEqual(before);
  });

  it("of another type is 415", async () => {
    expect(inShort(await send(test, tar([]), { headers: { "content-type": "application/zip" } }))).toBe("415 USAGE");
  });

  it("of which the end never comes is not taken, and the next one is", async () => {
    const archive = tarOf(outboxOf([bundles[1]]));
    const { sent } = begun(test, { "content-length": `${archive.length}` });
    sent.write(archive.subarray(0, archive.length - ending.length - 512));
    await started(test);
    sent.destroy();
    expect(await logged(test, "refused")).toMatchObject({ code: "UPLOAD", client: "keeper", route: "upload" });
    expect(inShort(await send(test, tar([{ name: "a", type: "2" }])))).toBe("400 UPLOAD");
  });

  it("BUSY: while another is under way is told so; that one ends as if nothing had been", async () => {
    const archive = tarOf(outboxOf([bundles[0]]));
    const { answer, sent } = begun(test, { "content-length": `${archive.length}` });
    sent.write(archive.subarray(0, 1000));
    await started(test);
    const second = await send(test, tar([]));
    expect([inShort(second), second.headers["retry-after"]]).toEqual(["503 BUSY", "5"]);
    sent.end(new Uint8Array(archive.length - 1000).fill(1));
    expect(await answer).toBe(400);
  });

  it("413: larger than it may be is not read, whether it says so before or not", async () => {
    test.configure({ limits: { uploadBytes: 4096, uploadFiles: 3 } });
    test.service.reload();
    const large = tar([{ name: "a", bytes: "x".repeat(6000) }]);
    expect(inShort(await send(test, large))).toBe("413 UPLOAD");
    // Asked for leave first: nothing is sent at all.
    const asking = begun(test, { "content-length": "99999999999", expect: "100-continue" });
    asking.sent.on("continue", () => expect.fail("it was let go on"));
    asking.sent.flushHeaders();
    expect(await asking.answer).toBe(413);
    asking.sent.destroy();
    const unsaid = begun(test, { "transfer-encoding": "chunked" });
    unsaid.sent.end(large);
    expect([413, "EPIPE", "ECONNRESET"]).toContain(await unsaid.answer);
    const many = tar(["a", "b", "c", "d"].map((name) => ({ name })));
    expect(inShort(await send(test, many))).toBe("413 UPLOAD");
    // Folders that only a name implies are made as well.
    expect(inShort(await send(test, tar([{ name: "a/b/c/d" }])))).toBe("413 UPLOAD");
    expect(inShort(await send(test, tar([{ name: "a/b" }, { name: "c/d" }])))).toBe("413 UPLOAD");
    expect(test.log.filter(({ code, status }) => code === "UPLOAD" && status === 413)).toHaveLength(6);
    test.configure({ limits: {} });
    test.service.reload();
  });
});

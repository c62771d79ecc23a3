import pino from "pino";
import { describe, expect, it } from "vitest";
import { Book } from "../../../appliance/daemon/book.ts";
import { looked } from "../../../appliance/daemon/inbox-state.ts";
import type { Parts } from "../../../appliance/daemon/parts.ts";
import { takeFolder } from "../../../appliance/daemon/take-folder.ts";
import { Refusal } from "../../../manifests/refusal.ts";

const seen = { folder: "contracts", fingerprint: "ef".repeat(32), files: 3, bytes: 3000 };

describe("taking a folder", () => {
  it("BATCH-UNKNOWN: a folder that became a batch is not seen beside it, however long the copy's rest takes to remove", async () => {
    const book = new Book(() => 1);
    book.setInbox((inbox) => looked(inbox, [seen], 0));
    const beside: boolean[] = [];
    const parts = {
      book,
      log: pino({ level: "silent" }),
      settings: { media: { in: "/nowhere" } },
      policies: { inForce: async () => ({ text: "" }) },
      intake: { take: () => Promise.reject(new Refusal("PATH-USAGE", "refused by intake")) },
      spool: {
        incoming: "/nowhere",
        newIncoming: () => "/nowhere/0",
        clearIncoming: async () => undefined,
        discard: async () => {
          beside.push(book.inbox.has("contracts") && book.live.some(({ folder }) => folder === "contracts"));
        },
      },
    } as unknown as Parts;
    const [state] = book.inbox.values();
    if (!state) throw new Error("no folder");
    await takeFolder(parts, { state, settleOver: false });
    expect(beside).toEqual([false]);
    expect(book.live.map(({ folder }) => folder)).toEqual(["contracts"]);
    expect([...book.inbox.keys()]).toEqual([]);
  });
});

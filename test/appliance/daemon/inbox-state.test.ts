import { describe, expect, it } from "vitest";
import {
  type FolderSeen,
  freed,
  type Inbox,
  isTriedAgain,
  looked,
  nextToTake,
  taking,
  tookEnd,
  UnreadEntries,
} from "../../../appliance/daemon/inbox-state.ts";

const settings = { settleSeconds: 3, incompleteSeconds: 60 };
const seen = (folder: string, fingerprint = "f1"): FolderSeen => ({ folder, fingerprint, files: 3, bytes: 1000 });
const none: Inbox = new Map();
const due = (inbox: Inbox, now: number) => {
  const next = nextToTake(inbox, settings, now);
  return next && `${next.state.folder}${next.settleOver ? " over" : ""}`;
};

describe("the folders of the inbox", () => {
  it("T3: a folder is taken when nothing changed for the settle time", () => {
    let inbox = looked(none, [seen("a")], 0);
    expect(due(inbox, 2_999)).toBeUndefined();
    inbox = looked(inbox, [seen("a", "f2")], 2_999);
    expect(due(inbox, 5_998)).toBeUndefined();
    inbox = looked(inbox, [seen("a", "f2")], 5_998);
    expect(due(inbox, 5_999)).toBe("a");
  });

  it("T13: a clock that is set back by a day keeps no folder waiting for a day", () => {
    const day = 86_400_000;
    let inbox = looked(none, [seen("a")], day);
    inbox = looked(inbox, [seen("a")], 10);
    expect(due(inbox, 3_009)).toBeUndefined();
    expect(due(inbox, 3_010)).toBe("a");
    const refusal = { code: "MEDIA-READ", message: "no" } as const;
    inbox = looked(tookEnd(taking(inbox, "a"), "a", { outcome: "failed", refusal }, day), [seen("a")], 10);
    expect(due(inbox, 3_010)).toBe("a");
  });

  it("NOTHING-LOST: an incomplete folder waits, is taken when it changes, and for the last time after the longer time", () => {
    let inbox = tookEnd(
      taking(looked(none, [seen("a")], 0), "a"),
      "a",
      { outcome: "incomplete", got: "1 of 3" },
      4_000,
    );
    expect(due(inbox, 59_999)).toBeUndefined();
    expect(due(inbox, 60_000)).toBe("a over");
    inbox = looked(inbox, [seen("a", "f2")], 10_000);
    expect(due(inbox, 13_000)).toBe("a");
  });

  it("HONEST: folders are taken in the order in which they became quiet; one that fails does not keep others waiting", () => {
    let inbox = looked(looked(none, [seen("b")], 0), [seen("a"), seen("b")], 1);
    expect(due(inbox, 10_000)).toBe("b");
    const refusal = { code: "MEDIA-READ", message: "no" } as const;
    inbox = tookEnd(taking(inbox, "b"), "b", { outcome: "failed", refusal }, 10_000);
    expect(due(inbox, 10_001)).toBe("a");
    inbox = tookEnd(taking(inbox, "a"), "a", { outcome: "taken" }, 10_100);
    expect(due(inbox, 10_499)).toBeUndefined();
    expect(due(inbox, 10_500)).toBe("b");
  });

  it("T19: a stick that is pulled out takes its folders along, but not the one being taken", () => {
    const inbox = taking(looked(none, [seen("a"), seen("b")], 0), "a");
    expect([...looked(inbox, [], 1).keys()]).toEqual(["a"]);
    expect(due(inbox, 10_000)).toBe("b");
  });

  it("SEAL-ONCE: the same batch in a second folder waits for the first one's end", () => {
    const inbox = tookEnd(taking(looked(none, [seen("b")], 0), "b"), "b", { outcome: "held", by: "digest" }, 4_000);
    expect(due(inbox, 1e9)).toBeUndefined();
    expect(due(freed(inbox, "another"), 1e6)).toBeUndefined();
    expect(due(freed(inbox, "digest"), 5_000)).toBe("b");
  });

  it("T5: a folder that ends intake, or changes while it is read, is tried three times and then refused", () => {
    for (const code of ["MEDIA-CHANGED", "UNREACHABLE", "INTERNAL", "FRAME"] as const) {
      expect([0, 1, 2].map((before) => isTriedAgain(code, before))).toEqual([true, true, false]);
    }
    expect(isTriedAgain("MEDIA-READ", 100)).toBe(true);
    for (const code of ["MEDIA-TIME", "DOCUMENT-DIGEST", "PATH-ROOT"] as const)
      expect(isTriedAgain(code, 0)).toBe(false);
  });

  it("NOTHING-LOST: an entry that cannot be read is refused at the third look in a row, a wrong one at the first", () => {
    const unread = new UnreadEntries();
    const odd = (code: "MEDIA-READ" | "MEDIA-KIND", name: string) => ({ name, refusal: { code, message: "no" } });
    const look = (...all: readonly ReturnType<typeof odd>[]) => unread.refusable(all).map(({ name }) => name);
    const [bad, wrong] = [odd("MEDIA-READ", "bad"), odd("MEDIA-KIND", "wrong")];
    expect(look(bad, wrong)).toEqual(["wrong"]);
    expect(look(bad)).toEqual([]);
    expect(look()).toEqual([]);
    expect([look(bad), look(bad), look(bad), look(bad)]).toEqual([[], [], ["bad"], ["bad"]]);
  });
});

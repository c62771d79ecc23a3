import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkIsolation } from "../../appliance/signer/isolation.ts";

const status = (change: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    Name: "node",
    Uid: "990\t990\t990\t990",
    CapEff: "0000000000000000",
    NoNewPrivs: "1",
    Seccomp: "2",
    ...change,
  })
    .map(([name, value]) => `${name}:\t${value}\n`)
    .join("");

describe("HONEST: the isolation that signer.json claims", () => {
  it("none is claimed of any process", () => {
    expect(() => checkIsolation("none", "")).not.toThrow();
  });

  it("users and units hold of a process that has what they say", () => {
    expect(() => checkIsolation("users", status({ NoNewPrivs: "0", Seccomp: "0" }))).not.toThrow();
    expect(() => checkIsolation("units", status())).not.toThrow();
  });

  it.each([
    ["users", { Uid: "0\t0\t0\t0" }, "a user of its own"],
    ["users", { CapEff: "00000000a80425fb" }, "no capability"],
    ["units", { NoNewPrivs: "0" }, "no_new_privs"],
    ["units", { Seccomp: "0" }, "a filter of system calls"],
    ["units", { Uid: "0\t0\t0\t0", Seccomp: "0" }, "a user of its own, a filter of system calls"],
  ] as const)("%s of a process with %o is refused (CONFIG)", (isolation, change, lacking) => {
    const attempt = () => checkIsolation(isolation, status(change));
    expect(attempt).toThrow(expect.objectContaining({ code: "CONFIG", got: `without ${lacking}` }));
  });

  it("a process that cannot be looked at has none", () => {
    expect(() => checkIsolation("units", "")).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  it("this very process, started by no unit, is not confined as units are", () => {
    expect(() => checkIsolation("units", readFileSync("/proc/self/status", "utf8"))).toThrow();
  });
});

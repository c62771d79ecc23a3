import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkImports } from "./check-imports.ts";
import { importTable } from "./import-table.ts";
import { filesOfKind, projectRoot } from "./source-files.ts";

const packageOf = (path: string) =>
  JSON.parse(readFileSync(join(projectRoot, path), "utf8")) as { readonly dependencies: Record<string, string> };

describe("the project's imports", () => {
  const files = filesOfKind(/\.[cm]?[jt]sx?$/);

  it("IMPORTS: every source file imports only what its row of the table allows", () => {
    expect(files.length).toBeGreaterThan(20);
    const wrong = files.flatMap((path) =>
      checkImports(importTable, path, readFileSync(join(projectRoot, path), "utf8")),
    );
    expect(wrong).toEqual([]);
  });

  it.each([
    ["pkcs11js", ["hardware"]],
    ["graphene-pk11", ["hardware"]],
    ["better-sqlite3", ["appliance", "ledger"]],
    ["yauzl", ["desk"]],
    ["usb", ["media"]],
  ])("IMPORTS: outside the tests %s is imported by %s alone", (name, folders) => {
    const holders = importTable.filter((row) => row.packages.includes(name) && row.path !== "test");
    expect(new Set(holders.map((row) => row.path.split("/")[0]))).toEqual(new Set(folders));
  });

  it("IMPORTS: nothing that a box gets imports the ledger or a package that only the ledger depends on", () => {
    const own = Object.keys(packageOf("package.json").dependencies);
    const ledgers = Object.keys(packageOf("ledger/package.json").dependencies);
    const onlyLedgers = ledgers.filter((name) => !own.includes(name));
    const outside = importTable.filter(({ path }) => !["ledger", "demo", "test"].includes(path.split("/")[0] ?? ""));
    expect(outside.length).toBeGreaterThan(20);
    expect(outside.filter(({ packages }) => packages.some((name) => onlyLedgers.includes(name)))).toEqual([]);
    const importers = outside.filter(({ folders }) => folders.some((folder) => folder.split("/")[0] === "ledger"));
    expect(importers.map(({ path, folders }) => [path, folders.filter((folder) => /^ledger/.test(folder))])).toEqual([
      ["desk/main.ts", ["ledger/main.ts"]],
    ]);
  });

  it("IMPORTS: the ledger imports no package but those of its own package.json", () => {
    const ledgers = Object.keys(packageOf("ledger/package.json").dependencies);
    const rows = importTable.filter(({ path }) => path.split("/")[0] === "ledger");
    expect(rows.flatMap(({ packages }) => packages).filter((name) => !ledgers.includes(name))).toEqual([]);
  });
});

describe("the checker", () => {
  const wrong = (path: string, source: string) => checkImports(importTable, path, source);

  it.each([
    ["a folder that the row does not list", "desk/a.ts", 'import { x } from "../appliance/signer/store.ts";'],
    ["a type from such a folder", "manifests/a.ts", 'import type { X } from "../host/wire.ts";'],
    ["a type in an import type", "manifests/a.ts", 'type T = import("../host/wire.ts").T;'],
    ["a re-export from such a folder", "media/a.ts", 'export { x } from "../appliance/a.ts";'],
    ["a re-export of all", "media/a.ts", 'export * from "../appliance/a.ts";'],
    ["a dynamic import", "host/a.ts", 'const a = await import("../hardware/a.ts");'],
    ["a computed import", "host/a.ts", "const a = await import(name);"],
    ["a path through a listed folder", "desk/a.ts", 'import "../appliance/a.ts";'],
    ["a path out of the project", "desk/a.ts", 'import "../../elsewhere/a.ts";'],
    ["a folder whose name only starts alike", "desk/a.ts", 'import "../host-side/a.ts";'],
    ["a package of another folder", "ceremony/a.ts", 'import pkcs11js from "pkcs11js";'],
    ["a native package in the main of another folder", "desk/main.ts", 'import pkcs11js from "pkcs11js";'],
    ["a database in the ceremony", "ceremony/a.ts", 'import Database from "better-sqlite3";'],
    ["a package that is no dependency", "desk/a.ts", 'import { x } from "asn1js";'],
    ["a file inside a package of another folder", "desk/a.ts", 'import x from "pkcs11js/index.js";'],
    ["a star import of pkcs11js", "hardware/a.ts", 'import * as pkcs11js from "pkcs11js";'],
    ["a star import of graphene-pk11", "hardware/a.ts", 'import * as graphene from "graphene-pk11";'],
    ["a star import of node-forge", "desk/a.ts", 'import * as forge from "node-forge";'],
    ["a dynamic import of pkcs11js", "hardware/a.ts", 'const p = await import("pkcs11js");'],
    ["Node in the manifests", "manifests/a.ts", 'import { createHash } from "node:crypto";'],
    ["a type of Node's in the manifests", "manifests/a.ts", 'import type { Server } from "node:net";'],
    ["Node's globals in the manifests", "manifests/a.ts", 'export const a = Buffer.from("a");'],
    ["a Node module without node:", "desk/a.ts", 'import fs from "fs";'],
    ["a network module on the box", "appliance/daemon/a.ts", 'import { request } from "node:https";'],
    ["a socket outside host", "appliance/daemon/a.ts", 'import { connect } from "node:net";'],
    ["require", "hardware/a.ts", 'const p = require("pkcs11js");'],
    ["import = require", "hardware/a.ts", 'import p = require("pkcs11js");'],
    ["createRequire", "desk/a.ts", 'import { createRequire } from "node:module";'],
    ["a module loaded past the import", "desk/a.ts", 'const fs = process.getBuiltinModule("fs");'],
    ["the daemon's inside in the ceremony", "ceremony/a.ts", 'import "../appliance/daemon/spool.ts";'],
    ["hardware where only the main may", "ceremony/sitting.ts", 'import "../hardware/module.ts";'],
    ["the ledger on the box", "appliance/daemon/a.ts", 'import "../../ledger/store/sqlite.ts";'],
    ["the ledger's inside at the desk", "desk/main.ts", 'await import("../ledger/store/sqlite.ts");'],
    ["the box's inside in the ledger", "ledger/a.ts", 'import { x } from "../appliance/signer/store.ts";'],
    ["hardware where only the ledger's main may", "ledger/store/a.ts", 'import "../../hardware/module.ts";'],
    ["a file in no row", "elsewhere/a.ts", ""],
  ])("IMPORTS: refuses %s", (_, path, source) => {
    expect(wrong(path, source)).toHaveLength(1);
  });

  it.each([
    ["the own folder", "desk/commands/a.ts", 'import { x } from "../slip.ts";'],
    ["a listed folder", "desk/a.ts", 'import { x } from "../manifests/refusal.ts";'],
    ["hardware in a main", "appliance/signer/main.ts", 'import { x } from "../../hardware/module.ts";'],
    ["the appliance's client in the ceremony", "ceremony/a.ts", 'import { x } from "../appliance/client/a.ts";'],
    ["the default import of pkcs11js", "hardware/a.ts", 'import pkcs11js from "pkcs11js";'],
    ["a type of a network module", "appliance/signer/main.ts", 'import type { Server } from "node:net";'],
    ["a type of pkcs11js", "hardware/a.ts", 'import type { Handle } from "pkcs11js";'],
    [
      "an import in a comment or a string",
      "manifests/a.ts",
      '// import "node:fs";\nexport const a = \'import "node:fs"\';',
    ],
    ["a property with the name of a global", "manifests/a.ts", "export const a = { Buffer: 1 }.Buffer;"],
  ])("IMPORTS: allows %s", (_, path, source) => {
    expect(wrong(path, source)).toEqual([]);
  });
});

import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { defaultImportOnly, networkModules, type Row } from "./import-table.ts";
import { type FoundImport, type ImportKind, importsIn } from "./imports-in.ts";

/** What only Node has, and what a file could use to reach a module past every import statement. */
const nodeGlobals = ["Buffer", "process", "require", "__dirname", "__filename", "setImmediate"];
const waysAround = ["process.dlopen", "process.binding", "process.getBuiltinModule", "eval", "Function"];

/**
 * Checks one file's imports against the table.
 * @param path from the project's root, with `/`
 * @returns a sentence for each import that the table does not allow; none: the file is in order
 */
export function checkImports(table: readonly Row[], path: string, source: string): readonly string[] {
  const row = table.find((each) => matches(each.path, path));
  if (row === undefined) return [`${path}: no row of the table holds this file`];
  const { imports, names } = importsIn(source);
  const wrong = imports.flatMap((found) => faultOf(row, path, found) ?? []);
  const usesNode = row.node === "none" ? nodeGlobals : [];
  const used = [...waysAround, ...usesNode].filter((name) => names.has(name) && row.node !== "any");
  return [...wrong, ...used.map((name) => `uses ${name}`)].map((fault) => `${path}: ${fault}`);
}

function faultOf(row: Row, path: string, { kind, specifier }: FoundImport): string | undefined {
  if (specifier === undefined) return `imports a computed name (${kind})`;
  if (kind === "require") return `requires ${specifier} instead of importing it`;
  if (specifier.startsWith(".")) return fileFault(row, path, specifier);
  if (isBuiltin(specifier)) return nodeFault(row, kind, specifier);
  const name = packageName(specifier);
  if (!row.packages.includes(name)) return `imports the package ${specifier}`;
  if (defaultImportOnly.includes(name) && kind !== "import" && kind !== "type") return `imports ${name} as ${kind}`;
  return undefined;
}

function fileFault(row: Row, path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  const allowed = row.folders.some((folder) => matches(folder, target));
  return allowed ? undefined : `imports ${target}`;
}

function nodeFault(row: Row, kind: ImportKind, specifier: string): string | undefined {
  if (!specifier.startsWith("node:")) return `imports ${specifier} without node:`;
  const name = specifier.slice("node:".length);
  // A type is no way to a network: it is gone before the file runs.
  if (row.node === "any" || (row.node !== "none" && kind === "type")) return undefined;
  const local = !networkModules.includes(name) && name !== "net" && name !== "module";
  const allowed = row.node !== "none" && (local || (row.node === "sockets" && name === "net"));
  return allowed ? undefined : `imports ${specifier}`;
}

/** `@scope/name/file` → `@scope/name`, `name/file` → `name`. */
function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Whether a path is the pattern, or lies below it; `*` stands for one name. */
function matches(pattern: string, path: string): boolean {
  const names = path.split("/");
  return pattern.split("/").every((part, at) => names[at] !== undefined && (part === "*" || part === names[at]));
}

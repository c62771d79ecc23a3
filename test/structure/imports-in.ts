import { parseAst } from "vitest/node";

export type ImportKind = "import" | "star" | "dynamic" | "type" | "require";

export interface FoundImport {
  readonly kind: ImportKind;
  /** The text after `from`; undefined where it is computed, so that no table can be asked about it. */
  readonly specifier: string | undefined;
}

export interface FoundSource {
  readonly imports: readonly FoundImport[];
  /** Names that are used as free identifiers or as properties of one, such as `Buffer` or `process.dlopen`. */
  readonly names: ReadonlySet<string>;
}

type Node = Readonly<Record<string, unknown>>;

/**
 * Finds every way in which TypeScript source reaches another module: static, star, dynamic and type imports, re-exports,
 * `import x = require()` and `require()`. Parses the source, so that comments and strings are not taken for code.
 * Throws on source that does not parse.
 */
export function importsIn(source: string): FoundSource {
  const imports: FoundImport[] = [];
  const names = new Set<string>();
  visit(parseAst(source, { lang: "ts" }) as unknown as Node, (node) => {
    const found = importOf(node);
    if (found !== undefined) imports.push(found);
    const name = nameOf(node);
    if (name !== undefined) names.add(name);
  });
  return { imports, names };
}

function importOf(node: Node): FoundImport | undefined {
  switch (node.type) {
    case "ImportDeclaration": {
      const specifiers = node.specifiers as readonly Node[];
      const star = specifiers.some((each) => each.type === "ImportNamespaceSpecifier");
      const kind = node.importKind === "type" ? "type" : star ? "star" : "import";
      return { kind, specifier: literal(node.source) };
    }
    case "ExportAllDeclaration":
      return { kind: "star", specifier: literal(node.source) };
    case "ExportNamedDeclaration":
      return node.source ? { kind: "import", specifier: literal(node.source) } : undefined;
    case "ImportExpression":
      return { kind: "dynamic", specifier: literal(node.source) };
    case "TSImportType":
      return { kind: "type", specifier: literal(node.source) };
    case "TSExternalModuleReference":
      return { kind: "require", specifier: literal(node.expression) };
    case "CallExpression": {
      const callee = node.callee as Node;
      if (callee.type !== "Identifier" || callee.name !== "require") return undefined;
      return { kind: "require", specifier: literal((node.arguments as readonly unknown[])[0]) };
    }
    default:
      return undefined;
  }
}

/** `x.y` for a property of a plain name, the name itself for its other uses. */
function nameOf(node: Node): string | undefined {
  if (node.type === "Identifier") return String(node.name);
  if (node.type !== "MemberExpression" || node.computed === true) return undefined;
  const object = node.object as Node;
  return object.type === "Identifier" ? `${object.name}.${(node.property as Node).name}` : undefined;
}

function literal(node: unknown): string | undefined {
  const value = (node as Node | undefined)?.value;
  return typeof value === "string" ? value : undefined;
}

function visit(node: Node, see: (node: Node) => void): void {
  see(node);
  for (const [key, value] of Object.entries(node)) {
    if (isPropertyName(node, key)) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === "object" && child !== null && "type" in child) visit(child as Node, see);
    }
  }
}

/** `x.Buffer` and `{Buffer: 1}` are no use of the name `Buffer`. */
function isPropertyName(node: Node, key: string): boolean {
  const named = node.type === "MemberExpression" ? "property" : "key";
  return key === named && node.computed === false;
}

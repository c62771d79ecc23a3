/**
 * The one table of what may import what. A file belongs to the first row that its path matches; a row lists the folders, npm
 * packages and Node modules that its files may import. What is not listed is refused, and so is a file that no row matches.
 */
export interface Row {
  /** Path from the project's root: a folder with all below it, or a file; `*` stands for one name. */
  readonly path: string;
  readonly folders: readonly string[];
  readonly packages: readonly string[];
  /** "none": runs in a browser too. "local": no module that speaks over a network. "sockets": also `node:net`. */
  readonly node: "none" | "local" | "sockets" | "any";
}

/** Every dependency, for the rows that wire or test all parts. */
const allFolders = [
  "manifests",
  "host",
  "hardware",
  "media",
  "appliance",
  "ceremony",
  "desk",
  "ledger",
  "demo",
  "test",
];
const boxPackages = ["better-sqlite3", "pino", "pino-pretty"];
/** Those of ledger/package.json; what of these the project has itself, others have too. */
const ledgerPackages = ["better-sqlite3", "commander", "pg"];
/** Of the ledger's alone. */
const servicePackages = ["fastify"];
const native = ["pkcs11js", "graphene-pk11"];

export const importTable: readonly Row[] = [
  { path: "manifests", folders: ["manifests"], packages: [], node: "none" },
  { path: "host", folders: ["host", "manifests"], packages: [], node: "sockets" },
  // A program in the place of a TPM listens on a Unix socket.
  { path: "hardware/tpm/socket.ts", folders: ["hardware/tpm", "manifests"], packages: [], node: "sockets" },
  { path: "hardware", folders: ["hardware", "manifests", "host"], packages: native, node: "local" },
  { path: "media/stick/usb-events.ts", folders: ["media/stick"], packages: ["usb"], node: "local" },
  { path: "media", folders: ["media", "manifests", "host"], packages: [], node: "local" },

  // Makes the package; nothing of it runs on a box.
  {
    path: "appliance/package/main.ts",
    folders: ["appliance/package", "manifests", "host", "hardware"],
    packages: ["commander"],
    node: "local",
  },
  { path: "appliance/package", folders: ["appliance/package", "manifests", "host"], packages: [], node: "local" },
  {
    path: "appliance/*/main.ts",
    folders: ["appliance", "manifests", "host", "hardware", "media"],
    packages: [...boxPackages, "commander"],
    node: "local",
  },
  { path: "appliance/client", folders: ["appliance/client", "manifests", "host"], packages: [], node: "local" },
  { path: "appliance", folders: ["appliance", "manifests", "host"], packages: boxPackages, node: "local" },

  {
    path: "ceremony/main.ts",
    folders: ["ceremony", "manifests", "host", "appliance/client", "hardware"],
    packages: ["commander"],
    node: "local",
  },
  {
    path: "ceremony/paper",
    folders: ["ceremony/paper", "ceremony/engine", "manifests", "host"],
    packages: ["@cantoo/pdf-lib", "qrcode-generator"],
    node: "local",
  },
  {
    path: "ceremony/shares",
    folders: ["ceremony/shares", "manifests", "host"],
    packages: ["shamir-secret-sharing", "node-forge"],
    node: "local",
  },
  {
    path: "ceremony/tokens/main.ts",
    folders: ["ceremony/tokens", "manifests", "hardware"],
    packages: [],
    node: "local",
  },
  {
    path: "ceremony/device",
    folders: ["ceremony", "manifests", "host", "hardware"],
    packages: ["commander"],
    node: "local",
  },
  {
    path: "ceremony/provision/main.ts",
    folders: ["ceremony", "manifests", "host", "appliance/client", "hardware"],
    packages: ["commander", "node-forge"],
    node: "local",
  },
  {
    path: "ceremony/provision",
    folders: ["ceremony", "manifests", "host", "appliance/client"],
    packages: ["commander", "node-forge"],
    node: "local",
  },
  {
    path: "ceremony",
    folders: ["ceremony", "manifests", "host", "appliance/client"],
    packages: ["commander"],
    node: "local",
  },

  {
    path: "desk/main.ts",
    // The ledger is loaded only where it is, and only for its own command.
    folders: ["desk", "manifests", "host", "hardware", "ledger/main.ts"],
    packages: ["commander"],
    node: "local",
  },
  { path: "desk/page/build.ts", folders: ["desk/page", "host"], packages: ["rolldown"], node: "local" },
  { path: "desk/page/main.ts", folders: ["desk/page", "desk/new-files.ts", "host"], packages: [], node: "local" },
  // These run in a browser: what they import must, too.
  {
    path: "desk/page",
    folders: ["desk/page", "desk/verdict-words.ts", "manifests"],
    packages: ["@noble/hashes"],
    node: "none",
  },
  {
    path: "desk/verdict-words.ts",
    folders: [
      "manifests",
      "host/terminal/amounts.ts",
      "host/terminal/attestation-words.ts",
      "host/terminal/emergency-words.ts",
      "host/terminal/log-words.ts",
    ],
    packages: [],
    node: "none",
  },
  { path: "desk/container", folders: ["desk", "manifests", "host"], packages: ["yauzl"], node: "local" },
  { path: "desk", folders: ["desk", "manifests", "host"], packages: ["commander", "node-forge"], node: "local" },

  {
    path: "ledger/main.ts",
    folders: ["ledger", "manifests", "host", "hardware"],
    packages: ledgerPackages,
    node: "local",
  },
  // Processes that hold keys: as little as can be.
  { path: "ledger/keys", folders: ["ledger/keys", "manifests", "host"], packages: [], node: "local" },
  {
    path: "ledger/signed-heads",
    folders: ["ledger/signed-heads", "manifests", "host"],
    packages: ["better-sqlite3"],
    node: "local",
  },
  // What speaks to tokens is loaded only where a key is on one.
  {
    path: "ledger/signer/token",
    folders: ["ledger/signer", "ledger/signed-heads", "ledger/keys", "manifests", "host", "hardware"],
    packages: [],
    node: "local",
  },
  {
    path: "ledger/signer",
    folders: ["ledger/signer", "ledger/signed-heads", "ledger/keys", "manifests", "host"],
    packages: ["commander"],
    node: "sockets",
  },
  {
    path: "ledger/witness/server.ts",
    folders: ["ledger/witness", "manifests"],
    packages: [],
    node: "any",
  },
  {
    path: "ledger/witness",
    folders: ["ledger/witness", "ledger/signed-heads", "ledger/keys", "manifests", "host"],
    packages: [],
    node: "local",
  },
  { path: "ledger/serve", folders: ["ledger", "manifests", "host"], packages: servicePackages, node: "any" },
  { path: "ledger", folders: ["ledger", "manifests", "host"], packages: ledgerPackages, node: "local" },

  { path: "demo", folders: allFolders.filter((folder) => folder !== "test"), packages: ["commander"], node: "sockets" },
  {
    path: "test",
    folders: allFolders,
    packages: [
      ...native,
      ...boxPackages,
      ...servicePackages,
      "commander",
      "node-forge",
      "pg",
      "pkijs",
      "vitest",
      "fast-check",
      "playwright-core",
    ],
    node: "any",
  },
  { path: "scripts", folders: ["scripts"], packages: [], node: "local" },
  { path: "vitest.config.ts", folders: [], packages: ["vitest"], node: "local" },
  { path: "vitest.steps.config.ts", folders: [], packages: ["vitest"], node: "local" },
  { path: "vitest.crashes.config.ts", folders: [], packages: ["vitest"], node: "local" },
  { path: "vitest.browser.config.ts", folders: [], packages: ["vitest"], node: "local" },
  { path: "vitest.postgres.config.ts", folders: [], packages: ["vitest"], node: "local" },
  { path: "vitest.long.config.ts", folders: [], packages: ["vitest"], node: "local" },
];

/** Packages of which `import * as x` gives an object without most of its names; only the default import is whole. */
export const defaultImportOnly: readonly string[] = ["pkcs11js", "graphene-pk11", "node-forge"];

/** Modules that speak over a network, which nothing on the box or the desk does. */
export const networkModules: readonly string[] = [
  "http",
  "https",
  "http2",
  "tls",
  "dgram",
  "dns",
  "dns/promises",
  "quic",
];

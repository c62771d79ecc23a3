import { defineConfig } from "vitest/config";

// `npm run test:postgres`: the ledger's own tests, the same files, on PostgreSQL, and what only that engine has. What has a store of its own kind
// (signer, witness) is not the ledger's, and stays out.
export default defineConfig({
  test: {
    globalSetup: "test/ledger/store/start-postgres.ts",
    include: [
      "test/ledger/{acknowledge,anchor,answers,boxes,check,checkpoints,ingest,log,prove,publish,reconcile,report}/**/*.{test,long}.ts",
      "test/ledger/serve/{find,health,openapi,serve,uploads}.{test,long}.ts",
      "test/ledger/backup/*.postgres.ts",
      "test/ledger/commands/*.{long,postgres}.ts",
      "test/ledger/store/{store.test,*.postgres}.ts",
      "test/ledger/cluster/*.cluster.ts",
    ],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
  },
});

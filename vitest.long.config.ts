import { defineConfig } from "vitest/config";

// `npm run test:long`: tests that are sure and slow: every sealing profile with every verifier, whole dry runs, large envelopes.
export default defineConfig({
  test: {
    include: ["test/**/*.long.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
});

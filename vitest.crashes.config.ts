import { defineConfig } from "vitest/config";

// `npm run test:crashes`: the failure tables of test/promises, and real processes killed between steps and at system calls. CRASHES=all takes
// every point, else a sample of them by a seed that is printed; CRASH_SEED takes the same sample again.
export default defineConfig({
  test: {
    include: ["test/**/*.crashes.ts"],
    pool: "forks",
    maxWorkers: 2,
    // Points to be killed at are counted by system calls, of which the cache makes some.
    env: { NODE_COMPILE_CACHE: "" },
    testTimeout: 6 * 3_600_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
});

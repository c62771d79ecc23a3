import { defineConfig } from "vitest/config";

// `npm run test:steps`: every step of every ceremony on a bad day; twelve minutes with STEPS=all.
export default defineConfig({
  test: {
    include: ["test/**/*.steps.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 2_700_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
});

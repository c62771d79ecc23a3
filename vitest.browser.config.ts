import { defineConfig } from "vitest/config";

// `npm run test:browser`: the page that verifies, in a real Chromium. Without one it is a loud skip, in CI a failure.
export default defineConfig({
  test: {
    include: ["test/browser/**/*.browser.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
  },
});

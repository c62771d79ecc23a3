import { defineConfig } from "vitest/config";

/** Tests of pure code, which leave nothing behind in their process: one process runs many of these files, which saves half a second each. */
const pure = "test/manifests/**/*.test.ts";

// Forks only: in threads a changed process.env never reaches the PKCS#11 module, which then writes into the system's token
// folder. The report is for .ci/run, which counts from it.
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    reporters: process.env.CI ? ["default", ["json", { outputFile: ".cache/test-report.json" }]] : ["default"],
    projects: [
      { extends: true, test: { name: "pure", include: [pure], isolate: false } },
      { extends: true, test: { name: "whole", include: ["test/**/*.test.ts"], exclude: [pure] } },
    ],
  },
});

import { defineConfig } from "vitest/config";

// Forks only: in threads a changed process.env never reaches the PKCS#11 module, which then writes into the system's token
// folder. The report is for .ci/run, which counts from it.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    reporters: process.env.CI ? ["default", ["json", { outputFile: ".cache/test-report.json" }]] : ["default"],
  },
});

import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { intakeClient } from "../../../appliance/daemon/intake-client.ts";
import { type Handlers, serve, stopServing } from "../../../host/wire.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { codeOf } from "../signer/test-box.ts";

let folder: string;
let socket: string;
let server: Server | undefined;
let stop: AbortController;
/** one signal for each connection, so for each process of intake */
let processes: Set<AbortSignal>;
let scan: Handlers[string];

const nothing = { result: { batches: [], control: [], odd: [] } };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-intake-client-"));
  socket = join(folder, "intake.sock");
  stop = new AbortController();
  processes = new Set();
  scan = async () => nothing;
  await start();
});

afterEach(async () => {
  stop.abort();
  await end();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  server = await serve(socket, {
    scan: (params, call) => {
      processes.add(call.signal);
      return scan(params, call);
    },
    control: async (_, { signal }) => {
      processes.add(signal);
      return { result: {}, body: [new Uint8Array(1)] };
    },
  });
}

async function end(): Promise<void> {
  if (server) await stopServing(server);
  server = undefined;
}

describe("calls of intake", () => {
  it("T5: scans share one process, also when they come at the same time; whatever is read has a fresh one", async () => {
    const intake = intakeClient(socket, stop.signal);
    await intake.scan("/stick");
    await Promise.all([intake.scan("/stick"), intake.scan("/stick")]);
    expect(processes.size).toBe(1);
    await intake.control("/stick", "policy.p7m");
    await intake.control("/stick", "policy.p7m");
    expect(processes.size).toBe(3);
    await intake.scan("/stick");
    expect(processes.size).toBe(3);
  });

  it("NOTHING-LOST: when the process for scans died between two, another takes its place", async () => {
    const intake = intakeClient(socket, stop.signal);
    await intake.scan("/stick");
    await end();
    expect(await codeOf(intake.scan("/stick"))).toBe("UNREACHABLE");
    await start();
    expect(await intake.scan("/stick")).toEqual(nothing.result);
    await end();
    await start();
    expect(await intake.scan("/stick")).toEqual(nothing.result);
  });

  it("MEDIA-READ: a scan that is refused, or dies in the middle, does not spoil the next one", async () => {
    const intake = intakeClient(socket, stop.signal);
    scan = async () => {
      throw new Refusal("MEDIA-READ", "a bad stick");
    };
    expect(await codeOf(intake.scan("/stick"))).toBe("MEDIA-READ");
    scan = () => end().then(() => nothing);
    expect(await codeOf(intake.scan("/stick"))).toBe("UNREACHABLE");
    scan = async () => nothing;
    await start();
    expect(await intake.scan("/stick")).toEqual(nothing.result);
  });

  it("STOPPED: a stick that is gone, and the daemon's end, end the process", async () => {
    const ended = (signal: AbortSignal) =>
      new Promise<void>((done) => {
        if (signal.aborted) done();
        else signal.addEventListener("abort", () => done());
      });
    const intake = intakeClient(socket, stop.signal);
    await intake.scan("/stick");
    intake.rest();
    await Promise.all([...processes].map(ended));
    await intake.scan("/stick");
    expect(processes.size).toBe(2);
    const hanging = Promise.withResolvers<void>();
    scan = async () => {
      hanging.resolve();
      return new Promise(() => undefined);
    };
    const stopped = codeOf(intake.scan("/stick"));
    await hanging.promise;
    stop.abort();
    expect(await stopped).toBe("STOPPED");
    await Promise.all([...processes].map(ended));
  });
});

/**
 * `media/mount/main.ts CONFIG`: the mount helper's process, as root. It finds sticks, checks and mounts them, and puts them
 * away when it is asked to, over its socket. SIGTERM and SIGINT end it cleanly: what is mounted is put away.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { socketAt } from "../../host/inherited-socket.ts";
import { serve, stopServing } from "../../host/wire.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import { roles } from "../stick/plugged.ts";
import { stickFileSystems } from "./file-systems.ts";
import { mountMethods } from "./methods.ts";
import { readMountSettings } from "./settings.ts";
import { Sticks } from "./sticks.ts";

/** One JSON line each, as the box's other processes have them. */
function log(level: "info" | "warn" | "error", message: string, more: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(
    `${JSON.stringify({ level, time: new Date().toISOString(), process: "mount", ...more, msg: message })}\n`,
  );
}

try {
  const [config, ...rest] = process.argv.slice(2);
  if (config === undefined || rest.length > 0) throw new Error("usage: media/mount/main.ts CONFIG");
  const settings = readMountSettings(config);
  const sticks = new Sticks(settings, stickFileSystems);
  await sticks.start();
  const look = follow(sticks);
  const server = await serve(socketAt("mount", settings.socket), mountMethods(sticks), {
    onFault: (method, fault) => log("error", "a fault in a call", { method, fault: String(fault) }),
  });
  const timer = setInterval(look, settings.pollMilliseconds);
  const stopEvents = listen(look);
  log("info", "the mount helper is ready", { socket: settings.socket });
  const end = async () => {
    clearInterval(timer);
    stopEvents();
    await stopServing(server);
    for (const role of roles) {
      await sticks.unmount(role).catch((fault) => log("warn", "a stick could not be put away", said(fault)));
    }
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void end());
} catch (fault) {
  const why = asRefusal(fault, "CONFIG", fault instanceof Error ? fault.message : "the mount helper cannot start");
  log("error", why.message, said(why));
  process.exitCode = 2;
}

/** Looks, logs what happened, and says once whether there is USB; one look at a time. */
function follow(sticks: Sticks): () => void {
  let seen = 0;
  let bus: boolean | undefined;
  let looking = false;
  return async () => {
    if (looking) return;
    looking = true;
    try {
      const state = await sticks.state(seen);
      if (bus !== state.bus)
        log("info", state.bus ? "USB devices are watched" : "this machine has no USB: folders alone");
      bus = state.bus;
      for (const { kind, refusal, sequence, ...event } of state.events) {
        seen = sequence;
        const alarming = kind === "alarm" || kind === "refused" || kind === "torn";
        log(alarming ? "warn" : "info", refusal?.message ?? kind, { kind, ...refusal, ...event });
      }
    } catch (fault) {
      log("error", "the kernel's tree cannot be looked at", said(fault));
    } finally {
      looking = false;
    }
  };
}

/** USB events only hasten a look; without them the kernel's tree is looked at every moment anyway. */
function listen(look: () => void): () => void {
  const file = fileURLToPath(new URL("../stick/usb-events.ts", import.meta.url));
  const child = spawn(process.execPath, ["--max-old-space-size=32", file], {
    env: { LANG: "C.UTF-8", TZ: "UTC" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", look);
  child.once("error", () => undefined);
  child.once("close", () => log("info", "no USB events: sticks are found by looking alone"));
  return () => {
    child.removeAllListeners("close");
    child.stdin.end();
  };
}

function said(fault: unknown): Readonly<Record<string, unknown>> {
  const { code, expected, got, about } = asRefusal(fault, "INTERNAL", String(fault));
  return { code, expected, got, about };
}

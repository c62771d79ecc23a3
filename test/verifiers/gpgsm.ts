/**
 * GnuPG's `gpgsm`, in a home of its own: it keeps every certificate that it sees, asks its agent which roots are trusted, and
 * would look for revocation lists over the network. The agent is a child here, not the daemon that gpgsm would leave behind.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { refusalOf } from "./run.ts";
import { type Verifier, type VerifierKind, versionOf } from "./verifier.ts";

export const gpgsm: VerifierKind = {
  name: "gpgsm",
  needs: "gpgsm gpg-agent",
  version: versionOf("gpgsm", ["--version"], /^gpgsm \(GnuPG\) (\S+)/),
  open,
};

async function open(root: string): Promise<Verifier> {
  const home = mkdtempSync(join(tmpdir(), "coldseal-gpgsm-")); // short: sockets lie in it
  const env = { ...process.env, GNUPGHOME: home, LC_ALL: "C.UTF-8" };
  const fingerprint = new X509Certificate(readFileSync(root)).fingerprint;
  writeFileSync(join(home, "gpgsm.conf"), "disable-crl-checks\ndisable-dirmngr\nno-autostart\n");
  writeFileSync(join(home, "gpg-agent.conf"), "disable-scdaemon\n");
  writeFileSync(join(home, "trustlist.txt"), `${fingerprint} S relax\n`);
  const agent = spawn("gpg-agent", ["--homedir", home, "--no-detach", "--daemon"], { env, stdio: "ignore" });
  const verifier: Verifier = {
    refusal: ({ signed, document }) =>
      refusalOf("gpgsm", ["--batch", "--verify", signed, ...(document === undefined ? [] : [document])], env),
    end: async () => {
      await ended(agent);
      rmSync(home, { recursive: true, force: true });
    },
  };
  try {
    await listening(agent, join(home, "S.gpg-agent"));
    execFileSync("gpgsm", ["--batch", "--import", root], { env, stdio: "ignore" });
    return verifier;
  } catch (fault) {
    await verifier.end();
    throw fault;
  }
}

async function listening(agent: ChildProcess, socket: string): Promise<void> {
  let fault: Error | undefined;
  agent.once("error", (error) => {
    fault = error;
  });
  for (const deadline = Date.now() + 20_000; !existsSync(socket); await setTimeout(10)) {
    if (fault) throw fault;
    if (agent.exitCode !== null || Date.now() > deadline) throw new Error("gpg-agent does not listen");
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL"); // asked to end, it waits for its clients; it holds nothing that must be kept
  await exit;
}

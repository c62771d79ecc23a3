/**
 * GnuPG's `gpgsm`, in a home of its own: it keeps every certificate that it sees, asks its agent which roots are trusted, and
 * would look for revocation lists over the network. The agent is started and ended here; gpgsm would leave one behind.
 */

import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { refusalOf } from "./run.ts";
import { type Verifier, type VerifierKind, versionOf } from "./verifier.ts";

export const gpgsm: VerifierKind = {
  name: "gpgsm",
  needs: "gpgsm gpg-agent",
  version: versionOf("gpg-agent", ["--version"], /(gpg-agent)/) && versionOf("gpgsm", ["--version"], /\(GnuPG\) (\S+)/),
  open,
};

async function open(root: string): Promise<Verifier> {
  const home = mkdtempSync(join(tmpdir(), "coldseal-gpgsm-")); // short: sockets lie in it
  const env = { ...process.env, GNUPGHOME: home, LC_ALL: "C.UTF-8" };
  const fingerprint = new X509Certificate(readFileSync(root)).fingerprint;
  writeFileSync(join(home, "gpgsm.conf"), "disable-crl-checks\ndisable-dirmngr\nno-autostart\n");
  writeFileSync(join(home, "gpg-agent.conf"), "disable-scdaemon\n");
  writeFileSync(join(home, "trustlist.txt"), `${fingerprint} S relax\n`);
  execFileSync("gpg-agent", ["--daemon"], { env, stdio: "ignore" }); // ends when its child listens
  const agent = await pidOfAgent(join(home, "S.gpg-agent"));
  const verifier: Verifier = {
    refusal: ({ signed, document }) =>
      refusalOf("gpgsm", ["--batch", "--verify", signed, ...(document === undefined ? [] : [document])], env),
    end: async () => {
      process.kill(agent, "SIGKILL"); // asked to end, it would wait for its clients; it holds nothing that must be kept
      while (runs(agent)) await setTimeout(5);
      rmSync(home, { recursive: true, force: true });
    },
  };
  try {
    execFileSync("gpgsm", ["--batch", "--import", root], { env, stdio: "ignore" });
    return verifier;
  } catch (fault) {
    await verifier.end();
    throw fault;
  }
}

/** Asks the agent itself, which no other process has for a parent. */
async function pidOfAgent(path: string): Promise<number> {
  const socket = connect(path);
  try {
    socket.write("GETINFO pid\n");
    for (let said = ""; ; ) {
      const pid = /^D (\d+)$/m.exec(said)?.[1];
      if (pid !== undefined) return Number(pid);
      const [bytes] = (await once(socket, "data")) as [Buffer];
      said += bytes.toString();
    }
  } finally {
    socket.destroy();
  }
}

/** Also false of a dead process that nobody has waited for. */
function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

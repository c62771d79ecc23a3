/** Real PKCS#11 modules of several makers, each with a token that is made for one test and gone after it. */

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSoftHsmFolder } from "../../../hardware/softhsm.ts";

/** What `tour-main.ts` reads. */
export interface Tour {
  readonly module: string;
  readonly environment: Readonly<Record<string, string>>;
  /** shell lines that take the token away and bring it back; none where that cannot be done */
  readonly lose?: string;
  readonly comeBack?: string;
  /** the security officer's PIN of its new tokens */
  readonly factorySoPin?: string;
  /** wrong PINs that are tried at the end */
  readonly wrongPins: number;
}

export interface Maker {
  readonly name: string;
  /** Debian's packages */
  readonly needs: string;
  readonly here: boolean;
  /** Runs `tour-main.ts`, or another program that reads a `Tour` and prints steps, on a new token in `folder`; answers its steps' outcomes. */
  tour(folder: string, main?: string): Promise<Readonly<Record<string, string>>>;
}

const library = (name: string) =>
  `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/pkcs11/${name}`;
const tourMain = join(import.meta.dirname, "tour-main.ts");

const softhsm: Maker = {
  name: "SoftHSM 2",
  needs: "softhsm2",
  here: true,
  async tour(folder, main = tourMain) {
    const place = await makeSoftHsmFolder(join(folder, "softhsm"));
    const tokens = join(folder, "softhsm/tokens");
    const move = (from: string, to: string) => `mv '${from}' '${to}'`;
    return run([process.execPath, main], {
      ...place,
      lose: move(tokens, `${tokens}-away`),
      comeBack: move(`${tokens}-away`, tokens),
      wrongPins: 20,
    });
  },
};

/** Its places are fixed, so that it gets a mount, IPC and process namespace of its own, and touches no token of this machine. */
const opencryptoki: Maker = {
  name: "openCryptoki",
  needs: "opencryptoki",
  here: process.getuid?.() === 0 && existsSync(library("libopencryptoki.so")) && mayMount(),
  tour: (_folder, main = tourMain) =>
    run(
      [
        "unshare",
        "-m",
        "-i",
        "-p",
        "-f",
        "--mount-proc",
        "--kill-child",
        "sh",
        join(import.meta.dirname, "opencryptoki.sh"),
      ].concat(process.execPath, main),
      { module: library("libopencryptoki.so"), environment: {}, factorySoPin: "87654321", wrongPins: 20 },
    ),
};

const tpm2: Maker = {
  name: "tpm2-pkcs11",
  needs: "libtpm2-pkcs11-1 swtpm",
  here: existsSync(library("libtpm2_pkcs11.so")) && existsSync("/usr/bin/swtpm"),
  async tour(folder, main = tourMain) {
    const [state, store, pidFile] = ["tpm", "store", "pid"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(state);
    await mkdir(store);
    const port = await freePorts();
    const start = [
      `swtpm socket --tpm2 --tpmstate 'dir=${state}' --server type=tcp,port=${port},bindaddr=127.0.0.1`,
      `--ctrl type=tcp,port=${port + 1},bindaddr=127.0.0.1 --flags not-need-init,startup-clear`,
      `--daemon --pid 'file=${pidFile}'`,
    ].join(" ");
    const stop = `kill -9 "$(cat '${pidFile}')"`;
    execFileSync("/bin/sh", ["-c", start], { stdio: "ignore" });
    try {
      return await run([process.execPath, main], {
        module: library("libtpm2_pkcs11.so"),
        environment: {
          TPM2_PKCS11_BACKEND: "esysdb",
          TPM2_PKCS11_STORE: store,
          TPM2_PKCS11_TCTI: `swtpm:host=127.0.0.1,port=${port}`,
          TSS2_LOG: "all+none",
        },
        lose: stop,
        comeBack: start,
        wrongPins: 40,
      });
    } finally {
      execFileSync("/bin/sh", ["-c", stop], { stdio: "ignore" });
    }
  },
};

export const makers: readonly Maker[] = [softhsm, opencryptoki, tpm2];

for (const { name, needs, here } of makers) {
  if (!here) console.warn(`NOT TESTED: tokens of ${name}, because it is not here, or not as root (Debian: ${needs})`);
}

/** Runs `use` with a folder that is gone afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "coldseal-maker-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run([command = "", ...args]: readonly string[], tour: Tour): Promise<Readonly<Record<string, string>>> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const out: string[] = [];
  const errors: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => void out.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void errors.push(text));
  child.stdin.end(JSON.stringify(tour));
  const status = await new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
  if (status !== 0) throw new Error(`the tour ended with ${status}: ${errors.join("").slice(-2000)}\n${out.join("")}`);
  const lines = out.join("").trim().split("\n");
  return Object.fromEntries(
    lines
      .map((line) => JSON.parse(line) as { step: string; outcome: string })
      .map(({ step, outcome }) => [step, outcome]),
  );
}

function mayMount(): boolean {
  try {
    execFileSync("unshare", ["-m", "-i", "-p", "-f", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A port that is free, and so is the next. */
async function freePorts(): Promise<number> {
  for (;;) {
    const one = await listen(0);
    const { port } = one.address() as { port: number };
    const next = await listen(port + 1).catch(() => undefined);
    for (const server of [one, next])
      await new Promise((closed) => (server ? server.close(closed) : closed(undefined)));
    if (next) return port;
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((listening, failed) => {
    const server = createServer().once("error", failed);
    server.listen(port, "127.0.0.1", () => listening(server));
  });
}

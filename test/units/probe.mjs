// What a process can do under a unit, tried: one line of JSON, `done` or the code of the refusal by name of the attempt.
import { spawnSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";

const results = {};

function attempt(name, work) {
  try {
    work();
    results[name] = "done";
  } catch (fault) {
    results[name] = fault.code ?? fault.message;
  }
}

function reaching(name, make) {
  return new Promise((resolve) => {
    const end = (word, handle) => {
      results[name] = word;
      handle?.destroy?.();
      handle?.close?.();
      resolve();
    };
    try {
      const handle = make();
      handle.once("connect", () => end("done", handle));
      handle.once("listening", () => end("done", handle));
      handle.once("error", (fault) => end(fault.code, handle));
    } catch (fault) {
      end(fault.code ?? fault.message);
    }
  });
}

attempt("read signer.json", () => readFileSync("/etc/coldseal/signer.json"));
attempt("read the store", () => readdirSync("/var/lib/coldseal/signer"));
attempt("read the spool", () => readdirSync("/var/lib/coldseal/spool/batches"));
attempt("write the spool", () => writeFileSync("/var/lib/coldseal/spool/batches/probe", ""));
attempt("write incoming", () => writeFileSync(`/var/lib/coldseal/spool/incoming/probe-${process.pid}`, ""));
attempt("write the stick", () => writeFileSync("/run/coldseal/media/in/probe", ""));
attempt("read the stick", () => readdirSync("/run/coldseal/media/in/coldseal"));
attempt("write the code", () => appendFileSync("/usr/lib/coldseal/package.json", " "));
attempt("write /etc", () => writeFileSync("/etc/coldseal/probe", ""));
attempt("read process 1's links", () => readFileSync("/proc/1/net/dev"));
attempt("see process 1", () => readFileSync("/proc/1/status"));
attempt("signal another", () => process.kill(Number(process.argv[2]), 0));
attempt("mount", () => {
  const { status, error } = spawnSync("mount", ["-t", "tmpfs", "none", "/mnt"]);
  if (error) throw error;
  if (status !== 0) throw new Error("refused");
});
for (const socket of ["signer", "unlock", "coldseald", "intake"]) {
  await reaching(`call ${socket}`, () => createConnection(`/run/coldseal/${socket}.sock`));
}
await reaching("listen on the network", () => createServer().listen(0, "127.0.0.1"));
process.stdout.write(`${JSON.stringify(results)}\n`);

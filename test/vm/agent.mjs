// In the virtual box: runs what the host asks for over the virtio port "agent". {id, run: [argv], secret?} starts a command (secret on descriptor 3, base64);
// {id, input} types a line; {id, listing} asks the daemon for its list, which a new process would do much slower. Answers {id, stdout|stderr} as it is printed, and {id, status} at the end.
import { spawn } from "node:child_process";
import { openSync, read, readdirSync, readFileSync, writeSync } from "node:fs";
import { daemonClient } from "../../appliance/client/daemon-client.ts";

const ports = "/sys/class/virtio-ports";
const port = readdirSync(ports).find((one) => readFileSync(`${ports}/${one}/name`, "utf8").trim() === "agent");
const descriptor = openSync(`/dev/${port}`, "r+");
const running = new Map();

function send(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (fault) {
      if (fault.code !== "EAGAIN") throw fault;
    }
  }
}

/** As `ceremony list` asks: with the product's own code. */
async function listing() {
  return daemonClient("/run/coldseal/coldseald.sock").listing(true);
}

function take({ id, run, secret, input, env, listing: asked }) {
  if (asked) {
    const told = (status, stdout) => send({ id, stdout }) ?? send({ id, status });
    return void listing().then(
      (found) => told(0, JSON.stringify(found)),
      (fault) => told(1, String(fault)),
    );
  }
  if (input !== undefined) return running.get(id)?.stdin.write(`${input}\n`);
  const child = spawn(run[0], run.slice(1), {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  running.set(id, child);
  child.stdio[3].on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  child.stdio[3].end(Buffer.from(secret ?? "", "base64"));
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => send({ id, [name]: text }));
  }
  child.once("error", (fault) => send({ id, status: 127, stderr: fault.message }));
  child.once("close", (code, signal) => {
    running.delete(id);
    send({ id, status: code ?? 128, signal });
  });
}

const buffer = Buffer.alloc(64 * 1024);
let text = "";
(function listen() {
  read(descriptor, buffer, 0, buffer.length, null, (fault, length) => {
    // Nobody is at the other end of the port yet.
    if (fault || length === 0) return setTimeout(listen, 20);
    text += buffer.toString("utf8", 0, length);
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) take(JSON.parse(line));
    listen();
  });
})();
await listing().catch(() => undefined);
send({ ready: true });

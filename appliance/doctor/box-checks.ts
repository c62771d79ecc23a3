/** The box's own files, users, units and processes, and what else runs beside them. */

import { rightsOf } from "../../host/process-status.ts";
import type { Check } from "./check.ts";
import type { System } from "./system.ts";

const units = [
  "coldseal-signer.service",
  "coldseal-daemon.service",
  "coldseal-intake@.service",
  "coldseal-mount.service",
];
const users = ["coldseal-signer", "coldseal-daemon", "coldseal-intake"];

export const boxChecks: readonly Check[] = [
  {
    id: "usbguard",
    title: "usbguard lets in sticks only: keyboards and network cards are refused by the kernel",
    command: "systemctl is-active usbguard; usbguard list-rules",
    next: "install usbguard with the rules of docs/hardening.md",
    look: (system) => running(system, "usbguard-daemon", true),
  },
  {
    id: "no-remote-login",
    title: "nobody logs in from afar",
    command: "pgrep -x sshd",
    next: "remove openssh-server",
    look: (system) => running(system, "sshd", false),
  },
  {
    id: "users",
    title: "signer, daemon and intake have users of their own that cannot log in",
    command: "getent passwd coldseal-signer coldseal-daemon coldseal-intake",
    next: "systemd-sysusers /usr/lib/sysusers.d/coldseal.conf",
    look(system) {
      const rows = passwd(system);
      if (!rows) return undefined;
      const bad = users.filter((name) => !/\/(?:nologin|false)$/.test(rows.get(name)?.shell ?? ""));
      return { good: bad.length === 0, got: bad.length === 0 ? users.join(", ") : `not so: ${bad.join(", ")}` };
    },
  },
  {
    id: "units-as-shipped",
    title: "the units are as the package has them: nothing overrides them",
    command: "systemd-delta --type=overridden,extended | grep coldseal",
    next: 'remove it, or write down who approved it and why (docs/hardening.md, "A token at USB")',
    look(system) {
      const shipped = system.names("/usr/lib/systemd/system")?.includes("coldseal-signer.service");
      if (!shipped || !system.names("/etc/systemd/system")) return undefined;
      const found = ["/etc/systemd/system", "/run/systemd/system"].flatMap((folder) =>
        (system.names(folder) ?? [])
          .filter((name) => units.some((unit) => name === unit || name === `${unit}.d`))
          .map((name) => `${folder}/${name}`),
      );
      return { good: found.length === 0, got: found.join(", ") || "nothing" };
    },
  },
  {
    id: "processes-confined",
    title: "signer and daemon run as their users, filtered, without capabilities",
    command: "grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' /proc/PID/status",
    next: "start them by their units: systemctl start coldseal-signer coldseal-daemon",
    look: confined,
  },
  {
    id: "state-closed",
    title: "the signer's store is its user's only, and so is the spool the daemon's",
    command: "ls -ld /var/lib/coldseal/signer /var/lib/coldseal/spool/batches",
    next: "systemd-tmpfiles --create coldseal.conf",
    look(system) {
      const rows = passwd(system);
      return ownedAs(system, [
        ["/var/lib/coldseal/signer", rows?.get("coldseal-signer")?.uid, 0o077],
        ["/var/lib/coldseal/spool/batches", rows?.get("coldseal-daemon")?.uid, 0o077],
      ]);
    },
  },
  {
    id: "settings-roots",
    title: "settings are root's, and nobody else writes them",
    command: "ls -ld /etc/coldseal /etc/coldseal/*.json",
    next: "chown root:root and chmod go-w what is not so",
    look: (system) =>
      ownedAs(
        system,
        ["/etc/coldseal", "/etc/coldseal/signer.json", "/etc/coldseal/daemon.json"].map((path) => [path, 0, 0o022]),
      ),
  },
  {
    id: "code-roots",
    title: "the product's files are root's, and nobody else writes them",
    command: "find /usr/lib/coldseal ! -type l \\( ! -user root -o -perm /022 \\)",
    next: "install the package again",
    look: (system) => codeIsRoots(system),
  },
  {
    id: "hardware-token",
    title: "the keys are in hardware, and the manifests say how the processes are kept apart",
    command: "grep -E '\"(hsm|isolation)\"' /etc/coldseal/signer.json",
    next: "a box with a software token is for tests; isolation is set when a box is made",
    look(system) {
      const text = system.text("/etc/coldseal/signer.json");
      if (text === undefined) return undefined;
      const of = (name: string) => new RegExp(`"${name}"\\s*:\\s*"([^"]*)"`).exec(text)?.[1] ?? "not said";
      const [hsm, isolation] = [of("hsm"), of("isolation")];
      return { good: hsm === "hardware" && isolation === "units", got: `hsm ${hsm}, isolation ${isolation}` };
    },
  },
];

interface User {
  readonly uid: number;
  readonly shell: string;
}

function passwd(system: System): ReadonlyMap<string, User> | undefined {
  const text = system.text("/etc/passwd");
  if (text === undefined) return undefined;
  const rows = text
    .trim()
    .split("\n")
    .map((row) => row.split(":"));
  return new Map(rows.map(([name = "", , uid, , , , shell = ""]) => [name, { uid: Number(uid), shell }]));
}

function pids(system: System): readonly string[] | undefined {
  const all = system.names("/proc")?.filter((name) => /^\d+$/.test(name));
  return all && all.length > 0 ? all : undefined;
}

function running(system: System, comm: string, wanted: boolean) {
  const found = pids(system)?.some((pid) => system.text(`/proc/${pid}/comm`)?.trim() === comm);
  return found === undefined ? undefined : { good: found === wanted, got: found ? `${comm} runs` : `no ${comm}` };
}

function confined(system: System) {
  const rows = passwd(system);
  const all = pids(system);
  if (!rows || !all) return undefined;
  const wanted = [
    ["signer", "/appliance/signer/main.ts", "coldseal-signer"],
    ["daemon", "/appliance/daemon/main.ts", "coldseal-daemon"],
  ] as const;
  const bad = wanted.flatMap(([name, main, user]) => {
    const pid = all.find((one) =>
      system
        .text(`/proc/${one}/cmdline`)
        ?.split("\0")
        .some((word) => word.endsWith(main)),
    );
    if (pid === undefined) return [`the ${name} does not run`];
    const rights = rightsOf(system.text(`/proc/${pid}/status`) ?? "");
    const lacks = [
      ...(rights.uid === String(rows.get(user)?.uid) ? [] : [`is not ${user}`]),
      ...(rights.withoutCapabilities ? [] : ["has capabilities"]),
      ...(rights.noNewPrivs && rights.filtered ? [] : ["is not filtered"]),
    ];
    return lacks.map((lack) => `the ${name} ${lack}`);
  });
  return { good: bad.length === 0, got: bad.join(", ") || "both do" };
}

/** Whose each is, and which permission bits none may have. */
function ownedAs(system: System, wanted: readonly (readonly [path: string, uid: number | undefined, never: number])[]) {
  const bad: string[] = [];
  for (const [path, uid, never] of wanted) {
    const owned = system.owned(path);
    if (!owned || uid === undefined) return undefined;
    if (owned.uid !== uid || (owned.mode & never) !== 0) {
      bad.push(`${path} (user ${owned.uid}, mode ${owned.mode.toString(8)})`);
    }
  }
  return { good: bad.length === 0, got: bad.join(", ") || wanted.map(([path]) => path).join(", ") };
}

function codeIsRoots(system: System, root = "/usr/lib/coldseal") {
  const owned = system.owned(root);
  if (!owned) return undefined;
  const bad: string[] = [];
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of system.names(folder) ?? []) {
      const path = `${folder}/${name}`;
      const one = system.owned(path);
      if (one && one.kind !== "link" && (one.uid !== 0 || (one.mode & 0o022) !== 0)) bad.push(path);
      if (one?.kind === "folder") folders.push(path);
    }
  }
  const shown = bad.slice(0, 3).join(", ");
  return { good: bad.length === 0, got: bad.length === 0 ? "all of them" : `${bad.length} are not, such as ${shown}` };
}

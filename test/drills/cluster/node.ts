/** One node of a cluster: Patroni, its PostgreSQL and a member of etcd, in a folder and a process namespace of their own. */

import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunsAs, ServerPrograms } from "../servers/programs.ts";
import { makeBinFolder } from "./keep-aside.ts";
import { etcdArguments, type NodePlan, type Passwords, patroniSettings } from "./patroni-settings.ts";
import { ProcessSpace } from "./process-space.ts";
import { quoted } from "./quoted.ts";

export class ClusterNode {
  readonly plan: NodePlan;
  /** Patroni's, with passwords: 0600 */
  readonly settingsFile: string;
  /** what its programs print */
  readonly log: string;
  readonly #script: string;
  readonly #env: Readonly<Record<string, string>>;
  #space: ProcessSpace | undefined;

  /** Makes its folder; `log` is a file outside of it. */
  constructor(plan: NodePlan, all: readonly NodePlan[], passwords: Passwords, programs: ServerPrograms, log: string) {
    const { runsAs } = programs;
    const settings = join(plan.folder, "patroni.json");
    const bin = join(plan.folder, "bin");
    for (const folder of [plan.folder, join(plan.folder, "data"), join(plan.folder, "etcd"), bin, asideOf(plan)]) {
      mkdirSync(folder, { mode: 0o700 });
      own(folder, runsAs);
    }
    makeBinFolder(bin, programs.postgresBin, asideOf(plan));
    own(join(bin, "pg_rewind"), runsAs);
    writeFileSync(settings, patroniSettings(plan, all, passwords, bin), { mode: 0o600, flag: "wx" });
    own(settings, runsAs);
    this.plan = plan;
    this.settingsFile = settings;
    this.log = log;
    this.#env = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      HOME: plan.folder,
      ...programs.env,
    };
    this.#script = nodeScript(programs, [...programs.patroni, settings], [programs.etcd, ...etcdArguments(plan, all)]);
  }

  get name(): string {
    return this.plan.name;
  }

  get alive(): boolean {
    return this.#space?.alive ?? false;
  }

  /** Starts it, the first time or again. */
  async start(): Promise<void> {
    if (this.alive) throw new Error(`${this.name} is running`);
    this.#space = await ProcessSpace.start({ script: this.#script, env: this.#env, log: this.log });
  }

  /** SIGKILL to Patroni, the postmaster, all children and etcd at once; resolves when nothing is left of them. */
  async kill(): Promise<void> {
    await this.#space?.kill();
  }

  /** SIGSTOP to every process, or to those whose command line matches: how many stand. */
  async freeze(which?: RegExp): Promise<number> {
    return (await this.#space?.freeze(which)) ?? 0;
  }

  thaw(): void {
    this.#space?.thaw();
  }

  /** The copies of its data folder that were kept before it was rewound. */
  keptAside(): readonly string[] {
    return readdirSync(asideOf(this.plan)).filter((name) => !name.startsWith("."));
  }
}

function asideOf({ folder }: NodePlan): string {
  return join(folder, "aside");
}

/** The first process of the node: starts etcd and Patroni, and reaps what they leave. It keeps its user, so that it dies with whoever started it. */
function nodeScript({ runsAs }: ServerPrograms, ...commands: readonly (readonly string[])[]): string {
  const as = runsAs ? ["setpriv", `--reuid=${runsAs.uid}`, `--regid=${runsAs.gid}`, "--clear-groups", "--"] : [];
  const started = commands.map((command) => `${[...as, ...command].map(quoted).join(" ")} &`);
  return ["umask 077", "cd /", ...started, "wait"].join("\n");
}

function own(path: string, runsAs: RunsAs | undefined): void {
  if (runsAs) chownSync(path, runsAs.uid, runsAs.gid);
  chmodSync(path, path.endsWith(".json") ? 0o600 : 0o700);
}

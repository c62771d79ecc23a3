/** What the cluster says of itself: Patroni's REST interface of any node that answers. */

import { loopback } from "./patroni-settings.ts";

export interface Member {
  readonly name: string;
  readonly role: "leader" | "sync_standby" | "replica";
  readonly running: boolean;
  readonly timeline: number | undefined;
  /** bytes that it lacks of what the leader last told of; 0 where nobody knows */
  readonly lag: number;
}

const patience = 2_000;

/** The members as the node behind this port sees them; undefined where it does not answer. */
export async function membersBy(patroniPort: number): Promise<readonly Member[] | undefined> {
  try {
    const answer = await fetch(`http://${loopback}:${patroniPort}/cluster`, { signal: AbortSignal.timeout(patience) });
    const { members } = (await answer.json()) as { readonly members: readonly Said[] };
    return members.map(({ lag, name, role, state, timeline }) => ({
      lag: typeof lag === "number" ? lag : 0,
      name,
      role: role === "leader" || role === "sync_standby" ? role : "replica",
      running: state === "running" || state === "streaming",
      timeline,
    }));
  } catch {
    return undefined;
  }
}

interface Said {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly timeline?: number;
  readonly lag?: number | string;
}

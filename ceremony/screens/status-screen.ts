/** What `status` says: health that is proven by what happened, not assumed because a process answers. */

import { clockTime, count, duration, minute, number, size } from "../../host/terminal/amounts.ts";
import type { Style } from "../../host/terminal/style.ts";
import { wrapped } from "../../host/terminal/table.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { keyPurposes } from "../../manifests/records/key-purpose.ts";
import { shown, shownText } from "../../manifests/records/names.ts";
import { asList, asNumber, asText, members } from "../shown-json.ts";
import { stickLines as shownSticks } from "./list-screen.ts";

export interface StatusScreen {
  /** the signer's own status, undefined when it does not answer */
  readonly signer: Json | undefined;
  /** the daemon's, undefined when it does not answer */
  readonly daemon: Json | undefined;
  readonly now: string;
}

type Line = readonly [label: string, text: string];

export function statusLines(screen: StatusScreen, style: Style): string[] {
  const signer = members(screen.signer);
  const head = screen.signer === undefined ? style.bad("The signer does not answer.") : headline(signer, style);
  const lines = [
    ...(screen.signer === undefined ? [] : signerLines(signer, screen.now, style)),
    ...daemonLines(screen, style),
  ];
  return [...wrapped(head), ...lines.flatMap(rowLines)];
}

/** A label and its text, broken into lines of 80 columns that begin below each other. */
function rowLines([label, text]: Line): string[] {
  const [first = "", ...rest] = wrapped(text, 65);
  return [`  ${label.padEnd(12)} ${first}`, ...rest.map((line) => " ".repeat(15) + line)];
}

function headline(signer: Members, style: Style): string {
  const name = style.bold(`Box ${shown(asText(signer.appliance) ?? "?")}`);
  const held = asText(members(signer.held).code);
  return signer.locked === true
    ? `${name}: ${style.warn("locked")}; it takes approvals, seals nothing; next: ceremony unlock`
    : `${name}: ${style.good("unlocked")}${held === null ? "" : `; ${style.bad(`it seals nothing: ${shown(held)}`)}`}`;
}

type Members = { readonly [name: string]: Json };

function signerLines(signer: Members, now: string, style: Style): Line[] {
  const policy = members(signer.policy);
  const journal = members(signer.journal);
  const manifests = members(signer.manifests);
  return [
    ["token", tokenText(members(signer.token), now, style)],
    ["PIN", pinText(members(signer.pin), now, style)],
    [
      "policy",
      `number ${asNumber(policy.number) ?? "?"}, digest ${short(policy.digest)}, genesis ${short(signer.genesis)}`,
    ],
    [
      "revocation",
      `what policy ${asNumber(policy.number) ?? "?"} lists; imported CRLs and OCSP responses count as far as it asks for them`,
    ],
    ["clock", clockText(members(signer.clock), style)],
    ["network", networkText(members(signer.network), style)],
    ["journal", `${count(asNumber(journal.sequence) ?? 0, "row")}, head ${short(journal.head)}`],
    ["manifests", manifestsText(manifests, style)],
    ...ledgerLines(members(signer.ledger), now, style),
    ["work", workText(members(signer.work))],
    ["keys", keysText(members(signer.keys), now, style)],
    ["orders", `${asNumber(members(signer.orders).number) ?? 0} taken`],
    ["software", softwareText(members(signer.software))],
    ...waitingLines(members(signer.unanchored), now, style),
    ...emergencyLines(members(signer.emergency), style),
    ...closingLines(asList(signer.closingDue), style),
    ...unlockedLines(members(signer.unlocked)),
    ...recoveredLines(members(signer.recovered)),
    ...retiredLines(asList(signer.retired), style),
    ...heldLines(members(signer.held), style),
    ...faultLines(members(signer.fault), style),
  ];
}

function tokenText(token: Members, now: string, style: Style): string {
  if (token.present === false) return style.bad("gone: connect the HSM, then: ceremony unlock");
  const last = shownValue(token.lastVerifiedSignature);
  const proof = last
    ? `last verified signature ${clockTime(last, now)} (${duration(secondsBetween(last, now))} ago)`
    : "no verified signature since the start";
  return `serial ${shown(asText(token.serial) ?? "?")}, ${proof}`;
}

function pinText(pin: Members, now: string, style: Style): string {
  const failures = asNumber(pin.failures) ?? 0;
  const until = shownValue(pin.waitUntil);
  if (until !== null && until > now)
    return style.bad(`${count(failures, "wrong try", "wrong tries")}; wait until ${clockTime(until, now)}`);
  return failures === 0 ? "no wrong tries" : style.warn(count(failures, "wrong try", "wrong tries"));
}

function clockText(clock: Members, style: Style): string {
  const refused = shownValue(clock.refused);
  const now = shownValue(clock.now);
  const set = shownValue(clock.lastSet);
  const says = `${now === null ? "?" : minute(now)}, off by at most ${duration(asNumber(clock.claimedErrorSeconds) ?? 0)}`;
  const since = set === null ? "" : ` (last set ${minute(set)})`;
  return refused === null
    ? says + since
    : style.bad(`${refused}: ${says}${since}; nothing is sealed until a quorum sets it`);
}

function networkText(network: Members, style: Style): string {
  if (network.links === null) return style.bad("cannot be looked at: nothing is sealed where the policy says fatal");
  const links = asList(network.links).map((link) => shown(asText(link) ?? asText(members(link).name) ?? "?"));
  const others = links.filter((link) => link !== "lo");
  if (others.length === 0) return "no link but loopback";
  const consequence = network.policy === "fatal" ? "nothing is sealed" : "recorded in every manifest";
  const text = `${count(others.length, "link")} (${others.join(", ")}): ${consequence}`;
  return network.policy === "fatal" ? style.bad(text) : style.warn(text);
}

function manifestsText(manifests: Members, style: Style): string {
  const last = asNumber(manifests.last) ?? 0;
  const open = asNumber(manifests.unacknowledged) ?? 0;
  const made = last === 0 ? "none yet" : `${number(last)} made`;
  return open === 0 ? made : `${made}, ${style.warn(`${number(open)} not acknowledged by the keeper`)}`;
}

/** How far the ledger acknowledged the record, what is outstanding, since when, and what the policy lets wait. */
function ledgerLines(ledger: Members, now: string, style: Style): Line[] {
  const [open, to, size] = [ledger.manifests, ledger.number, ledger.size].map((one) => asNumber(one ?? null));
  const origin = shownValue(ledger.origin);
  if (open == null || to == null || size == null || origin === null) return [];
  const limits = members(ledger.limits);
  const [hours, most] = [asNumber(limits.hours), asNumber(limits.manifests)];
  const since = shownValue(ledger.since);
  const waited = since === null ? 0 : secondsBetween(since, now);
  const stands =
    size === 0
      ? "nothing acknowledged yet"
      : `acknowledged to number ${number(to)} (log of ${count(size, "entry", "entries")})`;
  const waiting = `${number(open)}${most === null ? "" : ` of ${number(most)}`} outstanding`;
  const age = since === null ? "" : `, for ${duration(waited)}${hours === null ? "" : ` of ${count(hours, "hour")}`}`;
  const late = (most !== null && open >= most) || (hours !== null && waited >= hours * 3600);
  const text = `${origin}: ${stands}; ${waiting}${age}`;
  return [["ledger", late ? style.bad(text) : text]];
}

function workText(work: Members): string {
  const [done, of] = [asNumber(work.done), asNumber(work.count)];
  if (done === null || of === null) return "none";
  return `sealing ${number(done)} of ${count(of, "document")} of batch ${short(work.batchDigest)}`;
}

function softwareText(software: Members): string {
  return `coldseal ${shown(asText(software.version) ?? "?")}, digest ${short(software.digest)}`;
}

/** When the certificates of the keys in force end, what is staged, and what the token held against the record. */
function keysText(keys: Members, now: string, style: Style): string {
  const inForce = members(keys.inForce);
  const there = keyPurposes.filter((name) => name in inForce || name === "audit" || name === "sealing");
  const ends = there.map((name) => {
    const end = shownValue(members(inForce[name]).notAfter);
    if (end === null) return `${name} ?`;
    const text = `${name} until ${minute(end)}`;
    return Date.parse(end) - Date.parse(now) < 30 * 86_400_000 ? style.warn(text) : text;
  });
  const staged = asList(keys.staged).map(members);
  const others = staged.map(
    (one) => `${shown(asText(one.purpose) ?? "?")} ${short(one.key)} ${shown(asText(one.state) ?? "?")}`,
  );
  const found = asList(keys.found).map((one) => style.bad(shown(asText(one) ?? "?")));
  return [...ends, ...others, ...found].join("; ");
}

/** Seals that no evidence of time is over yet, of those that the policy lets wait. */
function waitingLines(waiting: Members, now: string, style: Style): Line[] {
  const [anchored, hours, limit, seals] = [waiting.anchored, waiting.hours, waiting.limit, waiting.seals].map((one) =>
    asNumber(one ?? null),
  );
  if (anchored == null || hours == null || limit == null || seals == null) return [];
  const since = shownValue(waiting.since);
  const waited = since === null ? 0 : secondsBetween(since, now);
  const text = `to number ${number(anchored)}; ${number(seals)} of ${count(limit, "seal")} wait${since === null ? "" : `, for ${duration(waited)} of ${count(hours, "hour")}`}`;
  const late = seals >= limit || waited >= hours * 3600;
  return [["anchored", late ? style.bad(text) : text]];
}

/** An emergency was ended while the box could sign nothing. */
function closingLines(due: readonly Json[], style: Style): Line[] {
  if (due.length === 0) return [];
  const orders = due.map((one) => asNumber(one) ?? "?").join(", ");
  return [
    [
      "closing",
      style.bad(`not signed yet, of the emergency that order ${orders} ended: go on with the ceremony end-emergency`),
    ],
  ];
}

/** What is left of the emergency that is open. */
function emergencyLines(emergency: Members, style: Style): Line[] {
  const since = shownValue(emergency.since);
  if (since === null) return [];
  const [limit, used, until, refused] = [
    asNumber(emergency.limit),
    asNumber(emergency.used),
    shownValue(emergency.until),
    shownValue(emergency.refused),
  ];
  if (refused !== null)
    return [["EMERGENCY", style.bad(`declared ${minute(since)}; nothing is sealed in it: ${refused}`)]];
  const left = `${number((limit ?? 0) - (used ?? 0))} of ${count(limit ?? 0, "seal")} left, until ${minute(until ?? since)}`;
  return [["EMERGENCY", style.warn(`declared ${minute(since)}; ${left}; end it by a ceremony, end-emergency`)]];
}

/** How long the policy lets it stay unlocked. */
function unlockedLines(unlocked: Members): Line[] {
  const [seconds, seals] = [asNumber(unlocked.seconds), asNumber(unlocked.seals)];
  if (seconds === null || seals === null) return [];
  return [["unlocked", `for ${duration(seconds)} or ${count(seals, "seal")} more, then it locks itself`]];
}

/** A store that was made anew by the quorum's continuity record. */
function recoveredLines(recovered: Members): Line[] {
  const [next, since] = [asNumber(recovered.next), shownValue(recovered.since)];
  if (next === null || since === null) return [];
  return [["recovered", `the disk was lost: made anew ${minute(since)}, manifests go on from ${number(next)}`]];
}

/** Their shares still open the token. */
function retiredLines(retired: readonly Json[], style: Style): Line[] {
  if (retired.length === 0) return [];
  const ids = retired.map((one) => shown(asText(one) ?? "?")).join(", ");
  return [
    ["shares", style.warn(`${ids} left since the PIN was split: retiring is unfinished until \`resplit\` was held`)],
  ];
}

/** What an order, or software that nobody approved, keeps from being sealed. */
function heldLines(held: Members, style: Style): Line[] {
  const code = asText(held.code);
  return code === null ? [] : [["held", style.bad(`${shown(code)}: ${shownText(asText(held.message) ?? "")}`)]];
}

/** What keeps the signer from working at all. */
function faultLines(fault: Members, style: Style): Line[] {
  const code = asText(fault.code);
  return code === null ? [] : [["fault", style.bad(`${shown(code)}: ${shownText(asText(fault.message) ?? "")}`)]];
}

function daemonLines(screen: StatusScreen, style: Style): Line[] {
  if (screen.daemon === undefined)
    return [["daemon", style.bad("does not answer: no batch moves until it is started")]];
  const daemon = members(members(screen.daemon).daemon ?? screen.daemon);
  const states = Object.entries(members(daemon.batches)).filter(([, amount]) => amount !== 0);
  const batches = states.map(([state, amount]) => `${asNumber(amount) ?? "?"} ${shown(state).replaceAll("-", " ")}`);
  const media = members(daemon.media);
  return [
    ["batches", batches.length === 0 ? "none" : batches.join(", ")],
    ["spool", size(asNumber(daemon.spoolBytes) ?? 0)],
    ...(["in", "out", "audit"] as const).map((name): Line => [`media ${name}`, mediaText(media[name])]),
    ...stickLines(daemon.sticks, style),
  ];
}

/** What the mount helper says of sticks and USB devices; nothing where media are folders. */
function stickLines(sticks: Json | undefined, style: Style): Line[] {
  const words = Array.isArray(sticks) ? sticks.filter((one) => typeof one === "string") : [];
  return shownSticks(words, style).map((one, nth) => [nth === 0 ? "sticks" : "", one]);
}

function mediaText(media: Json | undefined): string {
  if (typeof media === "string") return shown(media);
  const one = members(media);
  const words = [asText(one.path), asText(one.state), one.present === false ? "not there" : null];
  return (
    words
      .filter((word) => word !== null)
      .map(shown)
      .join(", ") || "none"
  );
}

function short(value: Json | undefined): string {
  return typeof value === "string" ? `${shown(value.slice(0, 16))}…` : "?";
}

/** A text to be shown, with what a terminal would not print escaped. */
function shownValue(value: Json | undefined): string | null {
  return typeof value === "string" ? shown(value) : null;
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

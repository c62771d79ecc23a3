/** The report: one HTML file, in which nothing runs and nothing is fetched. It proves nothing by itself: the ledger does. Pure. */

import { sha256 } from "../../host/crypto-host.ts";
import { escapedHtml } from "../../host/escaped-html.ts";
import { number as amount, count } from "../../host/terminal/amounts.ts";
import { base64, utf8 } from "../../manifests/encoding/bytes.ts";
import { shown } from "../../manifests/records/names.ts";
import { rangeText } from "../../manifests/records/number-ranges.ts";
import { unfinished } from "../answers/emergencies.ts";
import { knownWords } from "../boxes/chain-gaps.ts";
import { type Figures, type Series, total } from "./figures.ts";
import { dots, hoursText, stackedBars, stepLine } from "./plots.ts";
import { reportStyle } from "./style.ts";

/** `origin`: the log's name; `version`: of the program. */
export function reportPage(figures: Figures, origin: string, version: string): string {
  const policy = `default-src 'none'; style-src 'sha256-${base64(sha256(utf8(reportStyle)))}'; base-uri 'none'; form-action 'none'`;
  const { now, period } = figures;
  const span = `${period.from.slice(0, 10)} to ${period.to.slice(0, 10)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapedHtml(`Ledger ${shown(origin)}, ${span}`)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<h1>Ledger ${escapedHtml(shown(origin))}</h1>
<p class="soft">${escapedHtml(span)} (UTC). Made ${escapedHtml(now)} by coldseal ledger report, ${escapedHtml(version)}.</p>
${figureList(figures)}
${alarms(figures)}
${volume(figures)}
${modes(figures)}
${queue(figures)}
${acknowledgements(figures)}
${gaps(figures)}
${disputes(figures)}
${conflicts(figures)}
${emergencies(figures)}
<p class="note">Times at which batches were sealed are the boxes' own claims. This report is the word of whoever made it: <code>coldseal ledger verify</code> says whether the ledger holds.</p>
</main>
</body>
</html>
`;
}

function figureList({ boxes, entries, manifests, queueNow, seals, unacknowledged }: Figures): string {
  const all: readonly (readonly [number, string])[] = [
    [boxes.length, boxes.length === 1 ? "box" : "boxes"],
    [manifests, "batches in this time"],
    [seals, "seals in this time"],
    [entries, "entries in the log"],
    [queueNow.waiting.manifests, "wait for evidence of time"],
    [unacknowledged, "of these batches not acknowledged"],
  ];
  return `<ul class="figures">\n${all.map(([value, label]) => `<li><b>${amount(value)}</b><span>${escapedHtml(label)}</span></li>`).join("\n")}\n</ul>`;
}

/** What needs somebody now, whatever the time that is shown. */
export function alarmsOf({ emergencies, gaps, queueNow }: Figures): readonly string[] {
  return [
    ...gaps.flatMap((box) => [
      ...box.disputes.map(({ number }) => `${nameOf(box)}: number ${number} is in dispute; its chain stands`),
      ...box.missing
        .filter(({ alarm }) => alarm)
        .map((range) => `${nameOf(box)}: number ${rangeText(range)} is missing for more than ${box.hours} hours`),
    ]),
    ...emergencies.flatMap((one) => {
      const why = unfinished(one);
      return why === undefined ? [] : [`${nameOf(one)}: the emergency of ${one.since} ${why}`];
    }),
    ...(queueNow.waiting.alarm
      ? [`evidence of time: the oldest manifest waits for ${hoursText((queueNow.waiting.ageSeconds ?? 0) / 3600)}`]
      : []),
    ...(queueNow.waiting.manifests > 0 && queueNow.authorities.length === 0
      ? [
          `evidence of time: ${count(queueNow.waiting.manifests, "batch waits", "batches wait")}, and no authority is set that could be asked`,
        ]
      : []),
    ...queueNow.renewals.due.map(({ round }) => `evidence of time: round ${round} is to be renewed`),
    ...queueNow.conflicts
      .filter(({ seen }) => seen === null)
      .map((one) => `${nameOf(one)}: clocks disagree about number ${one.number}`),
  ];
}

function alarms(figures: Figures): string {
  const all = alarmsOf(figures);
  if (all.length === 0) return `<section class="alarms"><strong>Nothing needs anybody now.</strong></section>`;
  const items = all.map((text) => `<li>${escapedHtml(text)}</li>`).join("\n");
  return `<section class="alarms some"><strong>${escapedHtml(count(all.length, "thing needs", "things need"))} somebody</strong>\n<ul>\n${items}\n</ul></section>`;
}

const modeClass: Readonly<Record<string, string>> = { offline: "s0", test: "s1", emergency: "se" };

function volume({ buckets, volume: series }: Figures): string {
  return section(
    "Volume",
    `Seals a ${buckets.unit}, by box, when the boxes say that they were made.`,
    bars(
      "Seals by box",
      buckets,
      series.map((one, at) => ({ ...one, className: `s${at}` })),
    ),
  );
}

function modes({ buckets, modes: series }: Figures): string {
  return section(
    "Modes",
    `Seals a ${buckets.unit}, by mode: offline is the usual one, test counts nowhere, emergency is told of below.`,
    bars(
      "Seals by mode",
      buckets,
      series.map((one) => ({ ...one, className: modeClass[one.name] ?? "s5" })),
    ),
  );
}

function bars(
  title: string,
  { all }: Figures["buckets"],
  parts: readonly (Series & { readonly className: string })[],
): string {
  if (parts.length === 0) return `<p class="soft">Nothing was sealed in this time.</p>`;
  const labels = all.map(({ label }) => label);
  const columns = ["from", ...parts.map(({ name }) => shown(name))];
  const rows = labels.flatMap((label, at) => {
    const values = parts.map(({ values: own }) => own[at] ?? 0);
    return values.some((value) => value > 0) ? [[label, ...values.map(amount)]] : [];
  });
  const legend = parts
    .map((one) => `<li>${swatch(one.className)}${escapedHtml(shown(one.name))}: ${amount(total(one))}</li>`)
    .join("\n");
  return `<ul class="legend">\n${legend}\n</ul>\n${scroll(stackedBars({ title, unit: "seals", labels }, parts))}\n${asTable(columns, rows)}`;
}

function queue({ buckets, queue: ages, queueNow }: Figures): string {
  const { alarmHours, manifests, since } = queueNow.waiting;
  const labels = buckets.all.map(({ label }) => label);
  const today =
    since === null
      ? "Nothing waits now."
      : `${count(manifests, "batch waits", "batches wait")} now, the oldest since ${since}.`;
  const rows = labels.flatMap((label, at) => ((ages[at] ?? 0) > 0 ? [[label, hoursText(ages[at] ?? 0)]] : []));
  return section(
    "Age of the queue",
    `How long the oldest batch had waited for evidence of time at the end of each ${buckets.unit}. ${today}`,
    `${scroll(stepLine({ title: "Age of the oldest batch that waits for evidence of time", unit: "hours", labels }, ages, alarmHours))}\n${asTable(["from", "oldest"], rows)}`,
  );
}

function acknowledgements({ acknowledged: { longest, median }, buckets, unacknowledged }: Figures): string {
  const labels = buckets.all.map(({ label }) => label);
  const rows = labels.flatMap((label, at) => {
    const [value, most] = [median[at] ?? null, longest[at] ?? null];
    return value === null || most === null ? [] : [[label, hoursText(value), hoursText(most)]];
  });
  const left =
    unacknowledged === 0
      ? "All of them are acknowledged."
      : `${count(unacknowledged, "batch is", "batches are")} not acknowledged yet.`;
  const plot =
    rows.length === 0
      ? `<p class="soft">No acknowledgement was made for batches of this time.</p>`
      : `${scroll(dots({ title: "Time to acknowledgement", unit: "hours: median, and up to the longest", labels }, median, longest))}\n${asTable(["from", "median", "longest"], rows)}`;
  return section(
    "Time to acknowledgement",
    `From when a box says that it made a manifest to the first acknowledgement over it. ${left}`,
    plot,
  );
}

function gaps({ gaps: all }: Figures): string {
  const rows = all.flatMap((box) =>
    box.missing.map((one) => ({
      cells: [
        nameOf(box),
        rangeText(one),
        one.since,
        knownWords[one.known],
        one.alarm ? `ALARM: over ${box.hours} hours` : "",
      ],
      alarm: one.alarm,
    })),
  );
  return tableSection("Gaps", "No manifest is missing.", ["box", "missing", "since", "known by", "alarm"], rows);
}

function disputes({ gaps: all }: Figures): string {
  const rows = all.flatMap((box) =>
    box.disputes.map(({ cause, finding, number, raised }) => ({
      cells: [nameOf(box), `${number}`, raised, cause, shown(finding), "OPEN"],
      alarm: true,
    })),
  );
  return tableSection("Disputes", "Nothing is in dispute.", ["box", "number", "since", "cause", "finding", ""], rows);
}

function conflicts({ queueNow }: Figures): string {
  const rows = queueNow.conflicts.map((one) => ({
    cells: [
      nameOf(one),
      `${one.number}`,
      one.claimed,
      `${one.errorSeconds} s`,
      one.latest,
      one.seen === null ? "NOT LOOKED AT" : `seen ${one.seen}`,
    ],
    alarm: one.seen === null,
  }));
  return tableSection(
    "Conflicts of clocks",
    "No clocks disagree.",
    ["box", "number", "the box claims", "may be off by", "existed by", ""],
    rows,
  );
}

function emergencies({ emergencies: all }: Figures): string {
  const rows = all.map((one) => ({
    cells: [
      nameOf(one),
      one.since,
      one.cause,
      one.declared === null ? "not shown" : one.declared.by.join(", "),
      one.declared === null ? "" : shown(one.declared.reason),
      amount(one.seals),
      one.closing?.ended ?? "",
      unfinished(one) ?? one.state,
    ],
    alarm: unfinished(one) !== undefined,
  }));
  return tableSection(
    "Emergencies",
    "No emergency, as far as records came in.",
    ["box", "since", "cause", "declared by", "why", "seals", "ended", "state"],
    rows,
  );
}

function section(title: string, note: string, content: string): string {
  return `<section>\n<h2>${escapedHtml(title)}</h2>\n<p class="note">${escapedHtml(note)}</p>\n${content}\n</section>`;
}

function tableSection(
  title: string,
  none: string,
  columns: readonly string[],
  rows: readonly { readonly cells: readonly string[]; readonly alarm: boolean }[],
): string {
  const content =
    rows.length === 0
      ? `<p class="soft">${escapedHtml(none)}</p>`
      : scroll(
          `<table>\n<thead><tr>${columns.map((one) => `<th scope="col">${escapedHtml(one)}</th>`).join("")}</tr></thead>\n<tbody>\n${rows
            .map(({ alarm, cells }) => `<tr${alarm ? ' class="alarming"' : ""}>${cells.map(cell).join("")}</tr>`)
            .join("\n")}\n</tbody>\n</table>`,
        );
  return `<section>\n<h2>${escapedHtml(title)}</h2>\n${content}\n</section>`;
}

/** Times and numbers are not broken. */
function cell(text: string): string {
  const whole = /^[\d,. :TZ-]+( s)?$/.test(text) && text !== "";
  return `<td${whole ? ' class="w"' : ""}>${escapedHtml(text)}</td>`;
}

/** What a plot shows, for who cannot see it or wants the numbers. */
function asTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const heads = columns
    .map((one, at) => `<th scope="col"${at === 0 ? "" : ' class="n"'}>${escapedHtml(one)}</th>`)
    .join("");
  const lines = rows.map(
    (row) => `<tr>${row.map((one, at) => `<td${at === 0 ? "" : ' class="n"'}>${escapedHtml(one)}</td>`).join("")}</tr>`,
  );
  return `<details><summary>In numbers</summary>${scroll(`<table>\n<thead><tr>${heads}</tr></thead>\n<tbody>\n${lines.join("\n")}\n</tbody>\n</table>`)}</details>`;
}

function scroll(content: string): string {
  return `<div class="scroll" tabindex="0">${content}</div>`;
}

function swatch(className: string): string {
  return `<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${className}" width="10" height="10"/></svg>`;
}

function nameOf({ appliance, genesis }: { readonly appliance: string | null; readonly genesis: string }): string {
  return appliance === null ? `genesis ${genesis.slice(0, 16)}` : shown(appliance);
}

/** The report's only style: for light and dark screens, narrow ones, and paper. */

export const reportStyle = `
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --soft: #57606a; --rule: #d0d7de; --panel: #f6f8fa; --alarm: #b3261e; --good: #1a6b3c;
  --c0: #0072b2; --c1: #e69f00; --c2: #009e73; --c3: #cc79a7; --c4: #56b4e9; --c5: #8c6d31; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --text: #e6edf3; --soft: #9aa5b1; --rule: #343c46; --panel: #1c2229; --alarm: #ff8a80; --good: #6fd19b;
  --c0: #4aa3df; --c1: #f0b840; --c2: #2fc698; --c3: #e39ac4; --c4: #8fd0f5; --c5: #c8a866; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, "Liberation Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
p { margin: .4rem 0; }
.soft, .note { color: var(--soft); }
.note { font-size: .9rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem; margin: 1rem 0; padding: 0; list-style: none; }
.figures li { background: var(--panel); border: 1px solid var(--rule); border-radius: .4rem; padding: .5rem .7rem; }
.figures b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: .9rem; }
.alarms { border: 1px solid var(--rule); border-left: .3rem solid var(--good); border-radius: .3rem; padding: .5rem .9rem; background: var(--panel); }
.alarms.some { border-left-color: var(--alarm); }
.alarms.some strong { color: var(--alarm); }
.alarms li, .legend li, .note { overflow-wrap: anywhere; }
.alarms ul { margin: .3rem 0; padding-left: 1.2rem; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 38rem; height: auto; }
svg text { font: 12px system-ui, "Liberation Sans", sans-serif; fill: var(--soft); }
svg .unit { fill: var(--text); }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { stroke: var(--soft); stroke-width: 1; }
rect { stroke: var(--ground); stroke-width: .6; }
.s0 { fill: var(--c0); } .s1 { fill: var(--c1); } .s2 { fill: var(--c2); } .s3 { fill: var(--c3); } .s4 { fill: var(--c4); } .s5 { fill: var(--c5); } .se { fill: var(--alarm); }
.area { fill: var(--c0); opacity: .18; }
.line { fill: none; stroke: var(--c0); stroke-width: 2; }
.alarm { stroke: var(--alarm); stroke-width: 1.4; stroke-dasharray: 6 4; }
svg .alarm-text { fill: var(--alarm); }
.whisker { stroke: var(--c0); stroke-width: 1.5; }
.dot { fill: var(--c0); stroke: var(--ground); stroke-width: 1; }
.hit { fill: transparent; stroke: none; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .3rem 0; padding: 0; list-style: none; font-size: .9rem; }
.legend svg { display: inline-block; width: .8rem; min-width: 0; height: .8rem; margin-right: .4rem; vertical-align: -.05rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
.scroll > table { min-width: 40rem; }
th, td { min-width: 5.2rem; text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.w { white-space: nowrap; }
.alarming td:last-child { color: var(--alarm); font-weight: 600; }
details { margin: .3rem 0; } summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
@media print { :root { color-scheme: light; --ground: #fff; --text: #000; --soft: #444; --rule: #bbb; --panel: #fff; --alarm: #a00; --c0: #0072b2; --c1: #e69f00; --c2: #009e73; --c3: #cc79a7; --c4: #56b4e9; --c5: #8c6d31; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; } section, svg, tr { break-inside: avoid; } svg, .scroll > table { min-width: 0; } .scroll { overflow: visible; } details { display: none; } }
`;

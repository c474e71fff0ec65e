"""CSS of the page, light and dark."""

STYLE = """
:root {
  --page: #f9f9f7; --card: #fcfcfb; --ink: #0b0b0b; --ink-2: #52514e; --muted: #76746e;
  --rule: #e1e0d9; --resident: #2a78d6; --python: #b1471b; --mark: #7a4fb5;
  --leak: #b3261e; --fine: #1b7a3d; --outside: #8a5a00; --open: #52514e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d0d0d; --card: #1a1a19; --ink: #ffffff; --ink-2: #c3c2b7; --muted: #9a988f;
    --rule: #2c2c2a; --resident: #5b9ceb; --python: #ef8a5b; --mark: #b795e8;
    --leak: #ff8a80; --fine: #6fd08c; --outside: #f2bd5c; --open: #c3c2b7;
  }
}
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 900px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 0 0 8px; }
h3 { font-size: 15px; margin: 0 0 8px; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 16px 20px; margin: 16px 0; overflow-x: auto; }
p { margin: 0 0 6px; } .facts, .legend { color: var(--ink-2); }
.verdict { border-left: 6px solid var(--open); } .verdict h2 { font-size: 20px; }
.verdict.leak { border-left-color: var(--leak); } .verdict.leak h2 { color: var(--leak); }
.verdict.fine { border-left-color: var(--fine); } .verdict.fine h2 { color: var(--fine); }
.verdict.outside { border-left-color: var(--outside); }
.verdict.outside h2 { color: var(--outside); }
.key { display: inline-block; width: 18px; height: 3px; margin: 0 7px 4px 0;
  vertical-align: middle; } .key + .key, .legend .key:not(:first-child) { margin-left: 20px; }
.key.resident { background: var(--resident); } .key.python { background: var(--python); }
.key.rule { background: var(--mark); }
svg { display: block; width: 100%; height: auto; } .grid { stroke: var(--rule); }
.tick { font-size: 12px; fill: var(--muted); } .end { text-anchor: end; }
.middle { text-anchor: middle; } .name { font-size: 12px; fill: var(--ink-2); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.line.resident { stroke: var(--resident); } .line.python { stroke: var(--python); }
.dot.resident { fill: var(--resident); } .dot.python { fill: var(--python); }
.mark line { stroke: var(--mark); stroke-dasharray: 3 3; } .mark circle { fill: var(--mark); }
.suspect { border-top: 1px solid var(--rule); padding: 12px 0; }
.suspect:first-of-type { border-top: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 0; }
dt { color: var(--ink-2); } dd { margin: 0; overflow-wrap: anywhere; }
.curves { display: flex; gap: 24px; flex-wrap: wrap; margin-top: 10px; }
figure { margin: 0; width: 220px; } figcaption { font-size: 13px; color: var(--ink-2); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; color: var(--ink-2); font-weight: 500; }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--rule); vertical-align: top;
  overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
"""

"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}
function bytes(count) {
  let value = count;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(value) < 1024) return unit === "B" ? `${value} B` : `${value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}
const number = (count) => count.toLocaleString("en");
const share = (size) => `${((100 * size) / Math.max(data.total, 1)).toFixed(1)}%`;

/* ---- Facts ---- */

const header = data.header, process = header.process || {};
at("subject").textContent = [
  process.host_name && `process ${process.pid || "?"} on ${process.host_name}`,
  header.capture_time && `captured ${header.capture_time.replace("T", " ").replace(/\.\d+Z|Z/, " UTC")}`,
  header.python_version && `${header.python_implementation || "Python"} ${header.python_version}`,
].filter(Boolean).join(" · ");
for (const [name, value] of [
  ["Bytes of objects", bytes(data.total)], ["Objects", number(data.objects)],
  ["References", number(data.edges)], ["Types", number(data.type_count)],
  ["Resident memory", data.resident ? bytes(data.resident) : "not known"],
]) {
  const pair = make("div");
  pair.append(make("dt", name), make("dd", value));
  at("facts").append(pair);
}
if (data.warnings.length) {
  at("warnings").hidden = false;
  for (const each of data.warnings) at("warnings").append(make("div", each));
}

/* ---- The map ---- */

const rows = data.tree;
rows.forEach((row, place) => { row.place = place; row.children = []; });
for (const row of rows) if (row.parent >= 0) rows[row.parent].children.push(row);
for (const row of rows) {
  // What an object, or a group, has itself takes its part of the area.
  const own = row.size - row.children.reduce((sum, child) => sum + child.size, 0);
  if (row.children.length && own > 0) {
    row.children.push({ parent: row.place, name: "own bytes", size: own, count: row.count, children: [], of: row });
  }
  row.children.sort((a, b) => b.size - a.size);
}
let shown = rows[0], query = "";

function hue(name) {
  let hash = 7;
  for (const each of name) hash = (hash * 31 + each.codePointAt(0)) % 9973;
  return (hash * 47) % 360;
}
const stem = (row) => (row.path || "").replace(/ \([^()]*\)$/, "");
// What a cell says: of a path, the part that its parent does not say already.
function label(row) {
  if (row.of) return row.name;
  if (!row.path) return `${number(row.count)} × ${row.name}`;
  const above = stem(rows[row.parent]), own = stem(row);
  const rest = above && own.startsWith(above) ? own.slice(above.length).replace(/^( ->)? /, "") : own;
  return rest && !row.name.startsWith("thread ") ? `${rest} (${row.name})` : row.name;
}
function describe(row) {
  if (row.of) return `${row.of.path || `${number(row.count)} × ${row.of.name}`} ${row.count === 1 ? "has" : "have"} ${bytes(row.size)} of ${row.count === 1 ? "its" : "their"} own, ${share(row.size)} of all`;
  const what = row.parent < 0 ? `All ${number(row.count)} objects` : row.path || `${number(row.count)} × ${row.name}`;
  return `${what} ${row.count === 1 ? "retains" : "retain"} ${bytes(row.size)}, ${share(row.size)} of all` + (row.id ? `, id ${row.id}` : "");
}
// Rows of cells that are as square as they can be (Bruls, Huizing, van Wijk 2000).
function squarify(items, box) {
  const placed = [];
  let { x, y, w, h } = box, rest = items.reduce((sum, item) => sum + item.size, 0), from = 0;
  while (from < items.length && rest > 0 && w > 0 && h > 0) {
    const side = Math.min(w, h), scale = (w * h) / rest;
    let sum = 0, best = Infinity, to = from;
    while (to < items.length) {
      const next = sum + items[to].size * scale, thick = next / side;
      const worst = Math.max((items[from].size * scale) / thick / thick, (thick * thick) / Math.max(items[to].size * scale, 1e-9));
      if (worst > best && to > from) break;
      best = worst; sum = next; to += 1;
    }
    const thick = sum / side;
    let along = 0;
    for (; from < to; from += 1) {
      const length = (items[from].size * scale) / thick;
      placed.push([items[from], w >= h ? { x, y: y + along, w: thick, h: length } : { x: x + along, y, w: length, h: thick }]);
      along += length;
      rest -= items[from].size;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
  }
  return placed;
}
function draw(row, box, depth) {
  for (const [child, place] of squarify(row.children, box)) {
    if (place.w < 3 || place.h < 3) continue;
    const cell = make("button", undefined, "cell");
    cell.style.cssText = `left:${place.x}px;top:${place.y}px;width:${place.w}px;height:${place.h}px;--h:${hue(child.name)}`;
    cell.classList.toggle("branch", child.children.length > 0);
    cell.classList.toggle("group", !child.path);
    cell.classList.toggle("hit", matches(child));
    cell.setAttribute("aria-label", describe(child));
    cell.tabIndex = -1;
    cell.row = child;
    if (place.w > 46 && place.h > 16) {
      const line = make("div");
      line.append(make("b", label(child)), make("span", bytes(child.size)));
      cell.append(line);
    }
    at("map").append(cell);
    if (depth < 4 && place.w > 60 && place.h > 44) {
      draw(child, { x: place.x + 3, y: place.y + 18, w: place.w - 6, h: place.h - 21 }, depth + 1);
    }
  }
}
function show(row, focus) {
  shown = row;
  at("map").replaceChildren();
  at("crumbs").replaceChildren();
  const chain = [];
  for (let each = row; each; each = rows[each.parent]) chain.unshift(each);
  const cut = chain.length > 8 ? [chain[0], null, ...chain.slice(-6)] : chain;
  cut.forEach((each, place) => {
    if (place) at("crumbs").append(make("span", "›", "none"));
    if (!each) { at("crumbs").append(make("span", "…", "none")); return; }
    const crumb = make("button", `${each.name} ${bytes(each.size)}`);
    crumb.onclick = () => show(each, true);
    at("crumbs").append(crumb);
  });
  const box = at("map").getBoundingClientRect();
  draw(row, { x: 0, y: 0, w: box.width - 2, h: box.height - 2 }, 0);
  const first = at("map").firstElementChild;
  if (first) { first.tabIndex = 0; if (focus) first.focus(); }
  at("told").textContent = describe(row);
}
function open(row) { if (row.children.length) show(row, true); }
at("map").addEventListener("click", (event) => {
  const cell = event.target.closest(".cell");
  if (cell) open(cell.row);
});
for (const kind of ["mouseover", "focusin"]) {
  at("map").addEventListener(kind, (event) => {
    const cell = event.target.closest(".cell");
    if (cell) at("told").textContent = describe(cell.row);
  });
}
function move(cell, key) {
  const here = cell.getBoundingClientRect();
  const middle = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const [x, y] = middle(here);
  let best = null, least = Infinity;
  for (const other of at("map").children) {
    const [dx, dy] = middle(other.getBoundingClientRect()).map((value, axis) => value - (axis ? y : x));
    const ahead = { ArrowRight: dx, ArrowLeft: -dx, ArrowDown: dy, ArrowUp: -dy }[key];
    const aside = key === "ArrowRight" || key === "ArrowLeft" ? Math.abs(dy) : Math.abs(dx);
    if (other !== cell && ahead > 1 && ahead + 2 * aside < least) { best = other; least = ahead + 2 * aside; }
  }
  if (best) { cell.tabIndex = -1; best.tabIndex = 0; best.focus(); }
}
document.addEventListener("keydown", (event) => {
  const cell = document.activeElement.closest?.(".cell");
  if (event.key === "/" && document.activeElement !== at("search")) { event.preventDefault(); at("search").focus(); }
  else if (event.key === "Escape" && document.activeElement === at("search")) { at("search").value = ""; search(); at("search").blur(); }
  else if (event.key === "Escape" || (event.key === "Backspace" && cell)) { if (shown.parent >= 0) show(rows[shown.parent], true); }
  else if (cell && event.key.startsWith("Arrow")) { event.preventDefault(); move(cell, event.key); }
});
let width = 0;
new ResizeObserver(() => {
  const now = at("map").clientWidth;
  if (now !== width) { width = now; show(shown, false); }
}).observe(at("map"));

/* ---- Search ---- */

function matches(row) {
  return query !== "" && (row.name.toLowerCase().includes(query) || (row.path || "").toLowerCase().includes(query));
}
function search() {
  query = at("search").value.trim().toLowerCase();
  show(shown, false);
  at("hits").hidden = query === "";
  at("hits").className = "scroll";
  at("hits").replaceChildren();
  if (!query) return;
  const found = rows.filter((row) => row.parent >= 0 && matches(row)).sort((a, b) => b.size - a.size);
  at("told").textContent = `${number(found.length)} found`;
  fill(at("hits"), found.slice(0, 100), [
    ["retained", (row) => row.size, bytes], ["count", (row) => row.count, number],
    ["name", (row) => row.path || row.name],
  ], 0, (row) => show(row.children.length ? row : rows[row.parent], false));
}
at("search").addEventListener("input", search);

/* ---- Tables ---- */

function fill(place, items, columns, sorted, choose) {
  const table = make("table"), head = make("tr"), body = make("tbody");
  let ascending = false;
  function redraw() {
    const value = columns[sorted][1];
    const ordered = [...items].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (ascending ? 1 : -1));
    body.replaceChildren(...ordered.map((item) => {
      const line = make("tr");
      for (const [, get, print] of columns) {
        const cell = make("td", undefined, print ? "number" : "");
        cell.append(print ? print(get(item)) : make("code", get(item)));
        line.append(cell);
      }
      if (choose) { line.tabIndex = 0; line.onclick = () => choose(item); line.onkeydown = (event) => { if (event.key === "Enter") choose(item); }; }
      return line;
    }));
    [...head.children].forEach((cell, index) => {
      if (index === sorted) cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
  }
  columns.forEach(([name, , print], index) => {
    const cell = make("th", undefined, print ? "number" : ""), button = make("button", name);
    button.onclick = () => { ascending = index === sorted ? !ascending : !print; sorted = index; redraw(); };
    cell.append(button);
    head.append(cell);
  });
  const top = make("thead");
  top.append(head);
  table.append(top, body);
  place.append(table);
  redraw();
}
function scroll(place) {
  const box = make("div", undefined, "scroll");
  box.tabIndex = 0;
  place.append(box);
  return box;
}
fill(scroll(at("types")), data.types, [
  ["retained", (row) => row.retained, bytes], ["own size", (row) => row.size, bytes],
  ["count", (row) => row.count, number], ["type", (row) => row.name],
], 0);

for (const each of data.suspects) {
  const card = make("div", undefined, "card"), held = make("p");
  const what = each.object_index === null ? `${number(each.count)} objects of ${each.type_name}` : `one ${each.type_name}`;
  card.append(make("h3", `${what} — ${bytes(each.retained_size)}, ${share(each.retained_size)}`));
  held.append(`${each.held} `, make("code", each.path));
  card.append(held);
  if (each.contents.length) {
    fill(card, each.contents, [["retained", (row) => row.retained_size, bytes], ["count", (row) => row.count, number], ["below it", (row) => row.type_name]], 0);
  }
  at("suspects").append(card);
}
if (!data.suspects.length) at("suspects").append(make("p", "Nothing accumulates a tenth of the bytes.", "none"));

/* ---- Memory ---- */

function bar(title, parts) {
  const split = make("div", undefined, "split");
  split.setAttribute("role", "img");
  split.setAttribute("aria-label", `${title}: ${parts.map(([name, size]) => `${name} ${bytes(size)}`).join(", ")}`);
  for (const [name, size, tone] of parts) {
    if (size <= 0) continue;
    const part = make("div", `${name} ${bytes(size)}`);
    part.title = part.textContent;
    part.style.cssText = `flex:${size} 1 0;background:hsl(${tone} var(--cell-s) var(--cell-l))`;
    split.append(part);
  }
  at("memory").append(make("h3", title), split);
}
const tones = { python_in_use: 210, python_free: 190, malloc_in_use: 30, malloc_free: 50, unaccounted: 330, file_backed: 120, shared: 280 };
const parts = data.memory ? data.memory.parts : [];
const leaves = parts.filter((part) => part.field in tones && part.bytes !== null);
if (leaves.length) {
  bar("Resident memory, by who holds it", leaves.map((part) => [part.name, part.bytes, tones[part.field]]));
  const table = make("table", undefined, "parts"), body = make("tbody");
  for (const part of parts) {
    const line = make("tr"), name = make("td", part.name);
    name.style.paddingLeft = `${14 + 22 * part.depth}px`;
    line.append(make("td", part.bytes === null ? "not known" : bytes(part.bytes), "number"), name);
    body.append(line);
  }
  table.append(body);
  scroll(at("memory")).append(table);
  for (const each of data.memory.reasons) at("memory").append(make("p", each, "none"));
} else if (data.resident) {
  bar("Resident memory", [["Python objects", data.total, 210], ["not in Python objects", data.resident - data.total, 30]]);
}
bar("Live objects, by what they are", data.kinds.map((kind, place) => [kind.name, kind.size, place * 47 + 200]));
at("memory").append(make("p", "Bytes of live objects lie partly in Python's small objects and partly in malloc: the two views overlap, and are never added to each other." + (data.left_out ? ` What only ops_service itself holds, ${bytes(data.left_out)}, is left out.` : ""), "none"));
fill(scroll(at("memory")), data.kinds, [
  ["size", (row) => row.size, bytes], ["count", (row) => row.count, number], ["kind", (row) => row.name],
], 0);
fill(scroll(at("memory")), data.packages, [
  ["size", (row) => row.size, bytes], ["count", (row) => row.count, number],
  ["objects of types of", (row) => row.name],
], 0);

if (data.duplicates.length) {
  at("duplicates").append(make("p", `Equal strings waste ${bytes(data.wasted)} in all.`, "none"));
  fill(scroll(at("duplicates")), data.duplicates, [
    ["wasted", (row) => row.wasted_size, bytes], ["copies", (row) => row.count, number],
    ["size of one", (row) => row.size, bytes],
    ["string", (row) => (row.literal === null ? row.type_name : `${row.type_name} ${row.literal}`)],
    ["one of them", (row) => row.path],
  ], 0);
} else {
  at("duplicates").append(make("p", data.hashed ? "No two strings are equal." : "This capture does not hash strings, so duplicates cannot be told.", "none"));
}

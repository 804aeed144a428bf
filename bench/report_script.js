// Draws the panels of a report and answers the legend, the switches, the pointer and the address (#hide=...&log=0).
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const svgNames = document.getElementById("drawing").namespaceURI;
const tip = document.getElementById("tip");
const size = {width: 620, height: 400, left: 66, right: 22, top: 12, bottom: 46};
const nearest = 26;  // units of a panel between the pointer and a point that it still means
const switches = {log: "logarithmic axes", spread: "recall spread near 1", bars: "min to max", limits: "device limits"};
const state = {hide: new Set(), log: true, spread: true, bars: true, limits: true};

function element(parent, name, attributes = {}, text = "") {
  const made = document.createElementNS(svgNames, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return parent.appendChild(made);
}

function html(parent, name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return parent.appendChild(made);
}

// Axes: each has at(value), from 0 to 1, and ticks of [value, text].

function numberText(value) {
  return value >= 10 ? value.toLocaleString("en-US", {maximumFractionDigits: 0}) : String(Number(value.toPrecision(6)));
}

function apart(ticks, at) {
  const kept = [];
  for (const tick of ticks) {
    if (kept.every(other => Math.abs(at(tick) - at(other)) >= data.axes.apart)) kept.push(tick);
  }
  return kept.sort((a, b) => a - b);
}

function logTicks(low, high, enough) {
  const ticks = [];
  for (const steps of data.axes.steps) {
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power) {
      // From text, so that a tick is the nearest number to what is written at it.
      ticks.push(...steps.map(step => Number(`${step}e${power}`)).filter(tick => low <= tick && tick <= high));
    }
    if (ticks.length >= enough) break;
  }
  return apart(ticks, tick => Math.log10(tick) / (Math.log10(high / low) || 1));
}

function logAxis(spreads) {
  const low = Math.min(...spreads.map(s => s.low)) / data.axes.log_margin;
  const high = Math.max(...spreads.map(s => s.high)) * data.axes.log_margin;
  return {at: value => Math.log(value / low) / Math.log(high / low),
          ticks: logTicks(low, high, data.axes.ticks_min).map(tick => [tick, numberText(tick)])};
}

function linearAxis(spreads, least) {
  const greatest = Math.max(...spreads.map(s => s.high)) || 1;
  const margin = (greatest - least) * 0.05 || greatest * 0.05;
  const low = least && Math.max(0, least - margin), span = greatest + margin - low;
  const power = Math.pow(10, Math.floor(Math.log10(span / 4)));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => span / candidate <= 8);
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= low + span * 1.0001; ++n) {
    ticks.push([n * step, numberText(Number((n * step).toPrecision(9)))]);
  }
  return {at: value => (value - low) / span, ticks};
}

function recallAxis(spreads) {
  const misses = spreads.map(s => 1 - s.median).filter(miss => miss > 0);
  const end = Math.min(...misses, 0.02) / 2;  // where recall 1 stands
  const hasOne = misses.length < spreads.length;
  const greatest = Math.min(1, Math.max(2 * end, ...spreads.map(s => 1 - s.low)) * data.axes.recall_margin);
  const least = Math.max(end, Math.min(...spreads.map(s => 1 - s.high))) / data.axes.recall_margin;
  const at = value => Math.log(greatest / Math.max(1 - value, end)) / Math.log(greatest / least);
  const room = hasOne ? end * Math.pow(greatest / least, data.axes.apart) : least;
  const ticks = logTicks(room, greatest, data.axes.recall_ticks_min)
      .map(miss => [1 - miss, String(Number((1 - miss).toPrecision(9)))]);
  return {at, ticks: hasOne ? [...ticks, [1, "1"]] : ticks};
}

function axisOf(axis, spreads) {
  if (axis.scale === "recall") {
    return state.spread ? recallAxis(spreads) : linearAxis(spreads, Math.min(...spreads.map(s => s.low)));
  }
  const isLog = axis.scale === "log" && state.log && spreads.every(s => s.low > 0);
  return isLog ? logAxis(spreads) : linearAxis(spreads, 0);
}

// Marks.

function markPath(mark, x, y, r) {
  const polygon = points => "M" + points.map(([dx, dy]) => `${x + dx * r},${y + dy * r}`).join("L") + "Z";
  const cross = [[-1, -.35], [-.35, -.35], [-.35, -1], [.35, -1], [.35, -.35], [1, -.35],
                 [1, .35], [.35, .35], [.35, 1], [-.35, 1], [-.35, .35], [-1, .35]];
  return {
    "o": `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`,
    "s": polygon([[-.9, -.9], [.9, -.9], [.9, .9], [-.9, .9]]),
    "^": polygon([[0, -1.1], [1.05, .9], [-1.05, .9]]),
    "v": polygon([[0, 1.1], [1.05, -.9], [-1.05, -.9]]),
    "D": polygon([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]]),
    "P": polygon(cross.map(([dx, dy]) => [dx * 1.2, dy * 1.2])),
    "X": polygon(cross.map(([dx, dy]) => [(dx - dy) * .9, (dx + dy) * .9])),
  }[mark];
}

function drawMark(parent, look, x, y) {
  element(parent, "path", {d: markPath(look.marker, x, y, 4.2), fill: look.is_hollow ? "#fff" : look.colour,
                           stroke: look.colour, "stroke-width": 1.5});
}

// Panels.

function isShown(curve) {
  return !state.hide.has(curve.id) && (curve.kind !== "limit" || state.limits);
}

function drawAxes(svg, panel, x, y) {
  const {width, height, left, right, top, bottom} = size;
  for (const [value, text] of x.ticks) {
    const at = x.place(value);
    element(svg, "line", {class: "grid", x1: at, x2: at, y1: top, y2: height - bottom});
    element(svg, "text", {x: at, y: height - bottom + 16, "text-anchor": "middle"}, text);
  }
  for (const [value, text] of y.ticks) {
    const at = y.place(value);
    element(svg, "line", {class: "grid", x1: left, x2: width - right, y1: at, y2: at});
    element(svg, "text", {x: left - 7, y: at + 4, "text-anchor": "end"}, text);
  }
  element(svg, "path", {class: "axis", fill: "none", d: `M${left},${top}V${height - bottom}H${width - right}`});
  const isSpread = panel.x.scale === "recall" && state.spread;
  element(svg, "text", {x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle"},
          panel.x.label + (isSpread ? data.axes.recall_note : ""));
  const middle = (top + height - bottom) / 2;
  element(svg, "text", {x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})`},
          panel.y.label);
}

function drawCurve(svg, curve, x, y) {
  const look = data.looks[curve.id];
  const colour = look.colour;
  const group = element(svg, "g", {class: "curve", "data-series": curve.id, "data-kind": curve.kind});
  const places = curve.dots.map(dot => ({dot, curve, x: x.place(dot.x.median), y: y.place(dot.y.median)}));
  const dash = {main: "none", tail: "6 4", limit: "1.5 3.5"}[curve.kind];
  element(group, "path", {d: "M" + places.map(p => `${p.x},${p.y}`).join("L"), fill: "none", stroke: colour,
                          "stroke-width": curve.kind === "limit" ? 1.4 : 1.8, "stroke-dasharray": dash});
  if (curve.kind === "limit") return places;
  for (const {dot, x: px, y: py} of places) {
    if (state.bars) {
      const ends = [x.place(dot.x.low), x.place(dot.x.high), y.place(dot.y.low), y.place(dot.y.high)];
      const caps = `M${ends[0]},${py - 3}v6M${ends[1]},${py - 3}v6M${px - 3},${ends[2]}h6M${px - 3},${ends[3]}h6`;
      element(group, "path", {class: "bar", d: `M${ends[0]},${py}H${ends[1]}M${px},${ends[2]}V${ends[3]}${caps}`,
                              stroke: colour, fill: "none"});
    }
    drawMark(group, look, px, py);
  }
  return places;
}

function drawPanel(figure, panel) {
  figure.querySelector("svg")?.remove();
  const svg = element(figure, "svg", {viewBox: `0 0 ${size.width} ${size.height}`, role: "img",
                                      "aria-label": panel.title});
  const curves = panel.curves.filter(isShown);
  const dots = curves.flatMap(curve => curve.dots);
  if (!dots.length) {
    element(svg, "text", {class: "empty", x: size.width / 2, y: size.height / 2, "text-anchor": "middle"},
            "all that this shows is hidden");
    return;
  }
  const x = axisOf(panel.x, dots.map(dot => dot.x)), y = axisOf(panel.y, dots.map(dot => dot.y));
  x.place = value => size.left + x.at(value) * (size.width - size.left - size.right);
  y.place = value => size.height - size.bottom - y.at(value) * (size.height - size.top - size.bottom);
  drawAxes(svg, panel, x, y);
  const limitsFirst = [...curves].sort((a, b) => (b.kind === "limit") - (a.kind === "limit"));
  const places = limitsFirst.flatMap(curve => drawCurve(svg, curve, x, y));
  const ring = element(svg, "circle", {class: "found", r: 8, visibility: "hidden"});
  svg.addEventListener("pointermove", event => point(event, svg, places, ring));
  svg.addEventListener("pointerleave", () => { tip.hidden = true; ring.setAttribute("visibility", "hidden"); });
}

// Where a box of that length begins: after the pointer, or before it where there is no room.
function beside(pointer, length, room) {
  return Math.max(4, pointer + 16 + length < room ? pointer + 16 : pointer - length - 12);
}

function point(event, svg, places, ring) {
  const box = svg.getBoundingClientRect();
  const x = (event.clientX - box.left) * size.width / box.width;
  const y = (event.clientY - box.top) * size.height / box.height;
  // A measured point is meant rather than a limit that is as near.
  const distance = p => Math.hypot(p.x - x, p.y - y) + (p.curve.kind === "limit" ? nearest / 3 : 0);
  const found = places.reduce((best, p) => distance(p) < distance(best) ? p : best);
  const isNear = distance(found) <= nearest;
  tip.hidden = !isNear;
  ring.setAttribute("visibility", isNear ? "visible" : "hidden");
  if (!isNear) return;
  ring.setAttribute("cx", found.x);
  ring.setAttribute("cy", found.y);
  tip.textContent = found.dot.text.join("\n");
  tip.style.left = `${beside(event.clientX, tip.offsetWidth, innerWidth)}px`;
  tip.style.top = `${beside(event.clientY, tip.offsetHeight, innerHeight)}px`;
}

// The page.

function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  state.hide = new Set((wanted.get("hide") || "").split(",").filter(id => id in data.looks));
  for (const name of Object.keys(switches)) state[name] = wanted.get(name) !== "0";
}

function writeAddress() {
  const parts = Object.keys(switches).filter(name => !state[name]).map(name => `${name}=0`);
  if (state.hide.size) parts.unshift(`hide=${[...state.hide].join(",")}`);
  history.replaceState(null, "", `#${parts.join("&")}`);
}

function show() {
  tip.hidden = true;
  for (const {figure, panel} of figures) drawPanel(figure, panel);
  const isHidden = shown => state.hide.has(shown.dataset.series);
  for (const row of document.querySelectorAll("tr[data-series], section[data-series]")) row.hidden = isHidden(row);
  for (const button of document.querySelectorAll("#legend button")) button.ariaPressed = !isHidden(button);
  for (const button of document.querySelectorAll("#switches button")) button.ariaPressed = state[button.dataset.name];
}

function makeLegend() {
  for (const [id, look] of Object.entries(data.looks)) {
    const button = html(document.getElementById("legend"), "button");
    button.type = "button";
    button.dataset.series = id;
    button.title = "hide or show";
    const sample = element(button, "svg", {viewBox: "0 0 26 12", "aria-hidden": "true"});
    element(sample, "line", {x1: 0, x2: 26, y1: 6, y2: 6, stroke: look.colour, "stroke-width": 1.8});
    drawMark(sample, look, 13, 6);
    button.append(look.label);
    button.addEventListener("click", () => {
      if (!state.hide.delete(id)) state.hide.add(id);
      writeAddress();
      show();
    });
  }
  for (const [name, words] of Object.entries(switches)) {
    const button = html(document.getElementById("switches"), "button", words);
    button.type = "button";
    button.dataset.name = name;
    button.addEventListener("click", () => {
      state[name] = !state[name];
      writeAddress();
      show();
    });
  }
}

function makeFigures() {
  const makeFigure = (place, panel) => {
    const figure = html(place, "figure");
    figure.dataset.panel = panel.name;
    const caption = html(figure, "figcaption");
    html(caption, "b", panel.title);
    html(caption, "span", panel.note);
    return {figure, panel};
  };
  const places = [...document.querySelectorAll(".panels")];
  return places.flatMap(place => data.experiments[place.dataset.experiment].map(panel => makeFigure(place, panel)));
}

// Rows by one column: numbers by size, what has none last; text by the alphabet.
function sortTable(head, column) {
  const isUp = head.ariaSort !== "ascending";
  const body = head.closest("table").tBodies[0];
  const key = row => row.cells[column].dataset.sort ?? row.cells[column].textContent;
  const isNumber = row => row.cells[column].dataset.sort !== undefined;
  const compared = (a, b) => isNumber(a) && isNumber(b) ? key(a) - key(b) : key(a).localeCompare(key(b));
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.ariaSort = isUp ? "ascending" : "descending";
  const rows = [...body.rows].sort((a, b) => {
    const missing = row => row.cells[column].textContent === "-";
    return missing(a) - missing(b) || (isUp ? compared(a, b) : compared(b, a));
  });
  body.append(...rows);
}

for (const head of document.querySelectorAll("th")) {
  head.firstElementChild.addEventListener("click", () => sortTable(head, head.cellIndex));
}
const figures = makeFigures();
makeLegend();
readAddress();
show();
addEventListener("hashchange", () => { readAddress(); show(); });

// The page: sliders, their painted tracks, the picture, the words about one layer, and the table.

const model = makeModel(data, rules);
const firstRow = 1 + data.inputs.length;
const $ = (id) => document.getElementById(id);
const make = (tag, given = {}, ...inside) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) name in element && name !== "list" ? (element[name] = value) : element.setAttribute(name, value);
  element.append(...inside);
  return element;
};
const count = (n) => n === null ? "?" : Number(n).toLocaleString("en-US");
const short = (n) => {
  if (n === null) return "?";
  for (const [unit, word] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (n >= unit) return `${Number((Number(n) / unit).toPrecision(3))} ${word}`;
  return String(n);
};
const laid = (shape) => data.layout === "channels_last" ? [...shape.slice(1), shape[0]] : shape;
const sizeText = (shape) => !shape ? "?" : shape.length ? laid(shape).map((n) => unknown(n) ? "?" : n).join("x") : "[]";

// Sides that move together: one slider each.

let groups = [];
function regroup() {
  const linked = new Map();
  data.sides.forEach((side, i) => {
    const together = $("together") && $("together").checked;
    const owner = together ? "" : side.input, square = $(`square-${together ? data.sides[0].input : side.input}`);
    const key = square && square.checked && linkable(side) ? `${owner}:${side.declared}` : `${owner}:${together ? side.axis : side.name}`;
    linked.set(key, [...(linked.get(key) || []), i]);
  });
  groups = [...linked.values()];
}
const linkable = (side) => data.sides.some((other) => other !== side && other.input === side.input && other.declared === side.declared);
const alikeInputs = () => {
  const shapes = data.inputs.map(({ name }) => data.sides.filter((side) => side.input === name).map((side) => side.declared).join());
  return new Set(shapes.filter(Boolean)).size === 1 && shapes.filter(Boolean).length > 1;
};

const wordsOf = (group) => {
  const names = group.map((i) => data.sides[i].name);
  return names.length > 3 ? `${names[0]} … ${names.at(-1)}` : names.join(" = ");
};

function buildControls() {
  const links = $("links");
  if (alikeInputs()) links.append(make("label", {}, make("input", { type: "checkbox", id: "together", checked: true, onchange: relink }), " all inputs together"));
  for (const { name } of data.inputs)
    if (data.sides.some((side) => side.input === name && linkable(side)))
      links.append(make("label", {}, make("input", { type: "checkbox", id: `square-${name}`, checked: true, onchange: relink }), data.inputs.length > 1 ? ` ${name} is square` : " equal sides"));
  relink();
}

function relink() {
  regroup();
  const sides = model.sides;
  const wanted = {};
  for (const group of groups) for (const i of group) wanted[data.sides[i].name] = sides[group[0]];
  model.set(wanted);
  buildSliders();
  render();
}

function buildSliders() {
  $("sliders").replaceChildren(...groups.map((group, g) => {
    const most = Math.max(64, 2 * Math.max(...group.map((i) => data.sides[i].declared)));
    const words = wordsOf(group);
    const move = (event) => setGroup(g, event.target.valueAsNumber);
    const go = (kind, by, text, title) => make("button", { type: "button", title, onclick: () => jump(g, kind, by) }, text);
    return make("div", { className: "slider", role: "group", ariaLabel: `size ${words}` },
      make("label", { htmlFor: `range-${g}` }, words),
      make("div", { className: "bar" },
        make("canvas", { id: `track-${g}`, className: "track", width: 1200, height: 20, ariaHidden: "true" }),
        make("input", { type: "range", id: `range-${g}`, min: 1, max: most, step: 1, oninput: move })),
      make("input", { type: "number", id: `number-${g}`, min: 1, step: 1, oninput: move, ariaLabel: `${words} in cells` }),
      make("div", { className: "jumps" },
        go("valid", -1, "◂ valid", "the next smaller size that every layer takes"), go("valid", 1, "valid ▸", "the next larger size that every layer takes"),
        go("exact", -1, "◂ exact", "the next smaller size at which no layer loses a row"), go("exact", 1, "exact ▸", "the next larger size at which no layer loses a row")));
  }));
}

const withGroup = (group, size) => { const sides = model.sides; for (const i of group) sides[i] = size; return sides; };

function setGroup(g, size) {
  const wanted = Object.fromEntries(groups[g].map((i) => [data.sides[i].name, size]));
  const done = model.set(wanted);
  if (!done) say(data.why ? `Size ${size} is none of those that were computed: ${knownSizes()}.` : Number.isNaN(size) ? "" : `${size} is no size that a page computes with.`);
  else render(g);
  return done;
}
const knownSizes = () => data.known.map((one) => [...new Set(one.sides)].join("x")).join(", ");

const QUIET = 12; // milliseconds of work at a time
function jump(g, kind, by) {
  const start = model.sides[groups[g][0]], end = performance.now() + 1500;
  const most = data.why ? Math.max(...data.known.flatMap((one) => one.sides)) : MOST_SIDE;
  let size = start + by;
  for (; size >= 1 && size <= most && performance.now() < end; size += by) {
    const quality = model.quality(withGroup(groups[g], size));
    if (quality === "exact" || (kind === "valid" && quality === "lossy")) {
      const range = $(`range-${g}`);
      if (size > Number(range.max)) { range.max = 2 * size; }
      setGroup(g, size);
      return say(`${wordsOf(groups[g])} = ${size}`);
    }
  }
  if (data.why) return say(`No other ${kind} size that way among those that were computed: ${knownSizes()}.`);
  say(`No ${kind} size ${by > 0 ? `from ${start + 1} to ${size - by}` : `below ${start}`}${groups.length > 1 ? " with the other sides as they are" : ""}.`);
}

const say = (text) => { $("said").textContent = text; };

// The tracks: each size is tried, a few at a time.

const SEEN = 4; // dots of a track for a size that is taken, so that one among many refused ones is seen
let painting = 0;
function paintTracks(moved) {
  const run = ++painting;
  const jobs = groups.flatMap((group, g) => g === moved && $(`track-${g}`).dataset.done ? [] : [{ g, size: 1, most: Number($(`range-${g}`).max) }]);
  jobs.forEach(({ g }) => { delete $(`track-${g}`).dataset.done; });
  const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(name).trim();
  const colours = { refused: colour("--refused"), lossy: colour("--lossy"), exact: colour("--accepted"), none: colour("--faint") };
  const work = () => {
    const end = performance.now() + QUIET;
    while (jobs.length && performance.now() < end) {
      const job = jobs[0], canvas = $(`track-${job.g}`), c = canvas.getContext("2d");
      const quality = model.quality(withGroup(groups[job.g], job.size)), unit = canvas.width / job.most, x = (job.size - 1) * unit;
      const from = quality === "refused" ? Math.max(x, job.painted || 0) : x, to = x + (quality === "refused" ? unit : Math.max(unit, SEEN));
      if (quality !== "refused") job.painted = to;
      c.fillStyle = colours[quality];
      if (to > from) c.fillRect(from, 0, to - from + 0.5, canvas.height);
      if (quality === "lossy") { // hatched, whatever the colours
        c.strokeStyle = colour("--hatching"); c.lineWidth = 1.5;
        c.save(); c.beginPath(); c.rect(x, 0, to - x, canvas.height); c.clip(); c.beginPath();
        for (let at = Math.floor((x - canvas.height) / 8) * 8; at < to; at += 8) { c.moveTo(at, canvas.height); c.lineTo(at + canvas.height, 0); }
        c.stroke(); c.restore();
      }
      if (++job.size > job.most) { canvas.dataset.done = "1"; jobs.shift(); }
    }
    if (jobs.length && run === painting) setTimeout(work);
  };
  work();
}

// What follows the sizes.

let chosen = null; // {solid} or {row}
let picture = 0;
let before = [];

function render(moved) {
  const result = model.result(), sides = model.sides;
  groups.forEach((group, g) => {
    const size = sides[group[0]], range = $(`range-${g}`);
    if (size > Number(range.max)) range.max = 2 * size;
    range.value = size;
    if (document.activeElement !== $(`number-${g}`)) $(`number-${g}`).value = size;
  });
  renderVerdict(result);
  groups.forEach((group, g) => $(`range-${g}`).setAttribute("aria-valuetext", `${sides[group[0]]}, ${$("verdict").className === "lossy" ? "rows are lost" : $("verdict").className}`));
  renderPicture();
  renderDetail();
  renderTable();
  paintTracks(moved);
}

function renderVerdict(result) {
  const refusing = data.layers.flatMap((layer, i) => result.layers[i].refused.length ? [i] : []);
  const losing = data.layers.flatMap((layer, i) => (model.lost()[i] || []).some(Boolean) ? [i] : []);
  const verdict = $("verdict");
  verdict.className = data.wrong || refusing.length ? "refused" : losing.length ? "lossy" : "accepted";
  const inputs = data.inputs.map(({ name }, i) => `${data.inputs.length > 1 ? `${name} ` : ""}${sizeText(result.values[i + 1])}`).join(", ");
  const head = data.wrong ? "The file is wrong" : refusing.length ? "Refused" : losing.length ? "Accepted, with rows lost" : "Accepted";
  verdict.replaceChildren(make("strong", {}, `${head}: ${inputs}`));
  const list = make("ul");
  if (data.wrong) for (const problem of data.problems) list.append(make("li", {}, problem));
  for (const i of refusing.slice(0, 6)) list.append(make("li", {}, toRow(i), `: ${result.layers[i].refused.join("; ")}`));
  if (!refusing.length) for (const i of losing.slice(0, 4)) list.append(make("li", {}, toRow(i), `: ${lostWords(model.lost()[i])}`));
  const more = refusing.length > 6 ? refusing.length - 6 : !refusing.length && losing.length > 4 ? losing.length - 4 : 0;
  if (more) list.append(make("li", {}, `${more} more`));
  if (list.children.length) verdict.append(list);
  const output = data.outputs.map(({ name, value }) => `${data.outputs.length > 1 ? `${name} ` : ""}${sizeText(result.values[value])}`);
  $("totals").replaceChildren(...[["output", output.length > 3 ? `${output.slice(0, 3).join(", ")} …` : output.join(", ")], ["parameters", count(result.parameters)], ["multiply-accumulates", count(result.macs)], ...keptTotal()]
    .map(([name, text, title = ""]) => make("div", { title }, make("dt", {}, name), make("dd", {}, text))));
}

// What autograd keeps of a sample, in MiB.
const mebibytes = (n) => n && n < 2 ** 20 / 1000 ? "<0.001" : (Number(n) / 2 ** 20).toLocaleString("en-US", { minimumFractionDigits: n ? 3 : 0, maximumFractionDigits: 3 });
const KEPT = "what autograd keeps at the end of a forward in training, for each sample of a batch of 2 or more: float32, on the CPU";
const keptElsewhere = () => `computed for the declared size alone: ${data.inputs.map(({ shape }) => sizeText(shape)).join(", ")}`;
function keptTotal() {
  const kept = model.kept();
  return !data.kept ? [] : [kept ? ["training keeps", `${mebibytes(sum(kept))} MiB a sample`, KEPT] : ["training keeps", "–", keptElsewhere()]];
}

const toRow = (i) => make("button", { type: "button", className: "link", onclick: () => choose({ row: i }, true) }, data.layers[i].name);
const AXES = { 1: ["cell"], 2: ["row", "column"], 3: ["slice", "row", "column"] };
const lostWords = (cells) => {
  const names = AXES[cells.length] || cells.map(() => "cell");
  const parts = cells.flatMap((n, axis) => n ? [n === 1 ? `the last ${names[axis]}` : `the last ${n} ${names[axis]}s`] : []);
  return `${parts.join(" and ")} of what enters ${parts.length === 1 && cells.includes(1) ? "is" : "are"} not read`;
};

function bodiesNow() { return bodiesOf(data.pictures[picture], model.result(), model.lost(), data); }

function renderPicture() {
  const drawn = data.pictures[picture], now = bodiesNow();
  $("canvas").innerHTML = svgOf(drawn, before, now, isChosen, sizeText, `the picture of ${data.name || "the net"}`);
  renderField(now);
}

function choosePicture(index) {
  picture = index;
  const drawn = data.pictures[index], start = model.at(data.sides.map((side) => side.declared));
  before = bodiesOf(drawn, start, data.why ? start.dropped : model.lost(start), data);
  document.querySelectorAll("#depths button").forEach((button) => button.setAttribute("aria-pressed", String(Number(button.dataset.picture) === index)));
}

function buildDepths() {
  if (data.pictures.length < 2) return;
  const order = data.pictures.map((_, i) => i).sort((a, b) => data.pictures[a].depth - data.pictures[b].depth);
  $("depths").append("blocks unfolded: ", ...order.map((i, place) => make("button", {
    type: "button", onclick: () => { choosePicture(i); renderPicture(); }, "data-picture": i,
    title: "a box stands for a whole block, or for its parts",
  }, place ? String(data.pictures[i].depth - 1) : data.pictures[i].depth === 1 ? "none" : String(data.pictures[i].depth - 1))));
}

// One layer.

// The layer that a box shows: the one before its stripes; of a block, the one whose result comes out.
const rowOf = ({ value, rows, folded, stripes = [] }) => rows.length && !folded ? rows.at(-1 - stripes.length) : value - firstRow;
const rowChosen = () => chosen === null ? null : "row" in chosen ? chosen.row : rowOf(data.pictures[picture].solids[chosen.solid]);
const isChosen = (solid) => { const row = rowChosen(); return row !== null && (rowOf(solid) === row || solid.rows.includes(row)); };

let pinned = false;
function choose(what, pin) {
  if (pinned && !pin) return;
  pinned = pin;
  chosen = what;
  document.querySelectorAll("g.solid").forEach((g) => g.classList.toggle("chosen", isChosen(data.pictures[picture].solids[g.dataset.solid])));
  document.querySelectorAll("#rows tr").forEach((tr) => tr.classList.toggle("chosen", Number(tr.dataset.row) === rowChosen()));
  renderDetail();
  renderField(bodiesNow());
}

// "floor((227 - 11)/4) + 1" with those floors left out that change nothing.
function plainly(text) {
  for (let from = text.lastIndexOf("floor("); from >= 0; from = text.lastIndexOf("floor(", from - 1)) {
    let end = from + 6;
    for (let open = 1; open && end < text.length; end++) open += { "(": 1, ")": -1 }[text[end]] || 0;
    const inner = text.slice(from + 6, end - 1);
    if (Number.isInteger(valueOf(inner))) text = text.slice(0, from) + inner + text.slice(end);
    if (from === 0) break;
  }
  return text;
}
function valueOf(text) {
  if (!/^[\d\s+\-*/().]*$/.test(text.replaceAll("floor", ""))) return NaN;
  try { return new Function("floor", `return ${text}`)(Math.floor); } catch { return NaN; }
}

function derivations(i) {
  const layer = data.layers[i], rule = rules[layer.rule], result = model.result();
  const output = result.values[firstRow + i], entering = layer.inputs.map((value) => result.values[value]);
  if (!rule || !rule.arithmetic || rule.folds || !known(output) || !entering.every(known) || result.layers[i].refused.length) return { sizes: [], counts: [] };
  const all = [...entering.flat(), ...output], [sizes, counts] = rule.arithmetic(...all);
  const shown = (text, n) => text && valueOf(text) === n ? `${plainly(text)} = ${said(n)}` : null;
  return { sizes: output.map((n, axis) => shown(sizes[axis], n)), counts: [shown(counts[0], result.layers[i].parameters), shown(counts[1], result.layers[i].macs)] };
}

const axisNames = (rank) => ({ 1: ["channels", "length"], 2: ["channels", "height", "width"], 3: ["channels", "depth", "height", "width"] })[rank] || (rank ? ["channels", ...Array.from({ length: rank }, (_, i) => `axis ${i + 2}`)] : ["features"]);

function renderDetail() {
  const row = rowChosen(), detail = $("detail"), result = model.result();
  if (row === null) { detail.replaceChildren(make("p", { className: "hint" }, "Point at a box or a row, or move to it with Tab and the arrow keys, to see its arithmetic and its receptive field. A click keeps it.")); return; }
  if (row < 0) {
    const input = row + data.inputs.length, name = data.inputs[input].name;
    detail.replaceChildren(make("h2", {}, name, " ", make("small", {}, "input")), make("p", {}, sizeText(result.values[input + 1])));
    return;
  }
  const layer = data.layers[row], own = result.layers[row], output = result.values[firstRow + row];
  const names = axisNames((output || []).length - 1), { sizes, counts } = derivations(row);
  const facts = [];
  const add = (name, text, kind = "") => text && facts.push(make("dt", {}, name), make("dd", { className: kind }, text));
  const entering = layer.inputs.map((value) => `${sizeText(result.values[value])}${layer.inputs.length > 1 ? ` of ${nameOf(value)}` : ""}`);
  add("enters", entering.length > 6 ? `${entering.slice(0, 6).join(", ")} and ${entering.length - 6} more` : entering.join(", "));
  add("comes out", sizeText(output));
  if (data.settings[layer.says]) add("settings", data.settings[layer.says]);
  for (const sentence of own.refused) add("refused", sentence, "bad");
  const lines = new Map();
  sizes.forEach((text, axis) => text && lines.set(text, [...(lines.get(text) || []), names[axis]]));
  for (const [text, axes] of lines) add(axes.join(", "), text, "arithmetic");
  if (data.forms) add("in general", data.forms[layer.form], "arithmetic");
  const lost = model.lost()[row];
  if (lost && lost.some(Boolean)) add("lost", lostWords(lost), "warn");
  add("parameters", layer.own === 0 ? "those of another layer" : own.parameters ? counts[0] || count(own.parameters) : own.parameters === null ? "?" : "none", counts[0] ? "arithmetic" : "");
  if (own.macs !== 0) add("multiply-accumulates", counts[1] || count(own.macs), counts[1] ? "arithmetic" : "");
  add("receptive field", fieldWords(row));
  const solid = chosen && "solid" in chosen ? data.pictures[picture].solids[chosen.solid] : null;
  const within = solid && solid.folded ? ` in ${solid.name}` : "";
  detail.replaceChildren(make("h2", {}, layer.name, " ", make("small", {}, layer.type + (within && within !== ` in ${layer.name}` ? within : ""))), make("dl", {}, ...facts));
}
const nameOf = (value) => value === 0 ? "?" : value < firstRow ? data.inputs[value - 1].name : data.layers[value - firstRow].name;

function fieldsAt(row) { return data.why ? (model.result().receptive[row] || []) : (model.receptive()[row] || []).map(fieldFacts); }
const between = ([low, high]) => low === high ? String(high) : `${low} to ${high}`;
function fieldWords(row) {
  const words = fieldsAt(row).map((field) => !field ? "?" : field.whole_image ? "the whole image" : !field.residues || field.extent[1] === 0 ? "nothing"
    : `${between(field.extent)}${String(field.extent) === String(field.support) ? "" : ` (${between(field.support)} read)`}, every ${field.stride}`);
  return [...new Set(words)].join(" x ");
}

// The receptive field of the middle position on the input's box and on the image.
function renderField(now) {
  const row = rowChosen(), plane = $("plane"), overlay = document.getElementById("overlay");
  overlay.innerHTML = "";
  plane.replaceChildren();
  const result = model.result();
  const imageAt = data.inputs.findIndex((_, i) => result.values[i + 1] && result.values[i + 1].length > 1);
  if (row === null || row < 0 || imageAt < 0 || data.why) return;
  const fields = model.receptive()[row] || [], image = result.values[imageAt + 1].slice(1);
  if (!fields.length || fields.some((field) => !field || !field.parts.length)) return;
  const spans = fields.map((field, axis) => {
    if (field.parts.some((part) => covers(part, image[axis]))) return [0, image[axis]];
    const cells = fieldAt(field, Math.floor(field.positions / 2));
    return [cells.first, cells.first + extent(cells)];
  });
  const share = spans.map(([first, end], axis) => [first, end].map((cell) => Math.min(Math.max(cell / image[axis], 0), 1)));
  const along = share.length === 1 ? [share[0], [0, 1]] : share.slice(-2);
  data.pictures[picture].solids.forEach((solid, i) => { if (solid.kind === "input" && result.values[solid.value] && result.values[solid.value].length === image.length + 1) overlay.innerHTML += fieldOn(now[i].body, along); });
  const [rows, columns] = spans.length === 1 ? [[0, 1], spans[0]] : spans.slice(-2), [high, wide] = image.length === 1 ? [1, image[0]] : image.slice(-2);
  const pad = Math.max(0, -rows[0], -columns[0], rows[1] - high, columns[1] - wide), line = (wide + 2 * pad) / 160;
  const tall = image.length === 1 ? wide / 8 : high, top = image.length === 1 ? 0 : rows[0], rowsHigh = image.length === 1 ? tall : rows[1] - rows[0];
  plane.innerHTML = `<svg viewBox="${-pad - line} ${-(image.length === 1 ? 0 : pad) - line} ${wide + 2 * pad + 2 * line} ${tall + (image.length === 1 ? 0 : 2 * pad) + 2 * line}" role="img" aria-label="the receptive field on the image">`
    + `<rect class="image" x="0" y="0" width="${wide}" height="${tall}"/><rect class="field" x="${columns[0]}" y="${top}" width="${columns[1] - columns[0]}" height="${rowsHigh}"/></svg>`;
  const words = spans.map(([first, end], axis) => `${first === end - 1 ? first : `${first} to ${end - 1}`} of ${image[axis]}`);
  plane.append(make("p", { className: "hint" }, `the middle position of ${data.layers[row].name} sees cells ${[...new Set(words)].join(", ")}${pad ? "; what lies outside is padding" : ""}`));
}

// The table.

const COLUMNS = [["order", "#"], ["name", "layer"], ["type", "type"], ["output", "output"], ["form", "in general"], ["parameters", "parameters"], ["macs", "MACs"]];
let sorted = ["order", 1];
const open = new Set();

function buildTable() {
  if (!data.forms) COLUMNS.splice(4, 1);
  if (data.kept) COLUMNS.push(["kept", "kept for the backward pass, MiB a sample", KEPT]);
  else document.querySelector(".tools h2").title = data.unkept;
  $("heads").replaceChildren(...COLUMNS.map(([key, words, title = ""]) => make("th", { scope: "col", id: `head-${key}` }, make("button", {
    type: "button", title, onclick: () => { sorted = [key, sorted[0] === key ? -sorted[1] : ["parameters", "macs", "output", "kept"].includes(key) ? -1 : 1]; renderTable(); },
  }, words))));
  if (data.layers.length <= 60) prefixes().forEach((name) => open.add(name));
  $("unfold").onclick = () => { const all = prefixes(); const full = all.every((name) => open.has(name)); open.clear(); if (!full) all.forEach((name) => open.add(name)); renderTable(); };
  $("unfold").hidden = !prefixes().length;
}
const prefixes = () => [...new Set(data.layers.flatMap(({ name }) => { const parts = name.split("."); return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join(".")); }))];

function renderTable() {
  const { layers, values } = model.result(), [key, way] = sorted, kept = model.kept();
  COLUMNS.forEach(([name]) => $(`head-${name}`).setAttribute("aria-sort", name === key ? (way > 0 ? "ascending" : "descending") : "none"));
  const size = (i) => (values[firstRow + i] || []).reduce((a, b) => a * (unknown(b) ? 0 : b), 1);
  const keys = { order: (i) => i, name: (i) => data.layers[i].name, type: (i) => data.layers[i].type, output: size, form: (i) => data.forms[data.layers[i].form], parameters: (i) => Number(layers[i].parameters), macs: (i) => Number(layers[i].macs), kept: (i) => kept ? kept[i] : 0 };
  const cells = (i, name, inside) => COLUMNS.map(([column]) => {
    if (column === "order") return make("td", { className: "n" }, i === null ? "" : String(i + 1));
    if (column === "name") return make("th", { scope: "row" }, ...inside);
    if (column === "kept") return keptCell(name.kept, !name.unfolded);
    return make("td", { className: ["parameters", "macs"].includes(column) ? "n" : column === "form" ? "arithmetic" : "" }, name[column]);
  });
  const text = (i) => ({ type: data.layers[i].type, output: sizeText(values[firstRow + i]), form: data.forms ? data.forms[data.layers[i].form] : "", parameters: count(layers[i].parameters), macs: count(layers[i].macs), kept: kept && kept[i] });
  const state = (some) => some.some((i) => layers[i].refused.length || data.layers[i].broken) ? "bad" : some.some((i) => !known(values[firstRow + i])) ? "unsure" : "";
  const leaf = (i, depth) => {
    const name = depth ? data.layers[i].name.split(".").slice(depth).join(".") : data.layers[i].name;
    const tr = make("tr", { className: `${state([i])}${i === rowChosen() ? " chosen" : ""}`, tabIndex: 0, "data-row": i, title: layers[i].refused.join("; ") }, ...cells(i, text(i), [make("span", { style: `padding-left:${depth}em` }, name)]));
    return tr;
  };
  const body = $("rows");
  body.replaceChildren();
  if (key !== "order" || way < 0) {
    const order = data.layers.map((_, i) => i).sort((a, b) => { const [x, y] = [keys[key](a), keys[key](b)]; return (x < y ? -1 : x > y ? 1 : a - b) * way; });
    body.append(...order.map((i) => leaf(i, 0)));
    return drawBars();
  }
  const add = (rows, depth) => {
    for (let at = 0; at < rows.length;) {
      const parts = data.layers[rows[at]].name.split("."), front = parts.slice(0, depth + 1).join(".");
      if (parts.length === depth + 1) { body.append(leaf(rows[at], depth)); at++; continue; }
      let end = at;
      while (end < rows.length && data.layers[rows[end]].name.startsWith(`${front}.`)) end++;
      const inside = rows.slice(at, end), unfolded = open.has(front);
      const button = make("button", { type: "button", className: "fold", ariaExpanded: String(unfolded), onclick: () => { unfolded ? open.delete(front) : open.add(front); renderTable(); [...document.querySelectorAll(".fold")].find((b) => b.dataset.front === front)?.focus(); }, "data-front": front, style: `margin-left:${depth}em` }, `${unfolded ? "▾" : "▸"} ${parts[depth]}`);
      const totals = { type: `${inside.length} layers`, output: sizeText(values[firstRow + inside.at(-1)]), form: data.forms ? data.forms[data.layers[inside.at(-1)].form] : "", parameters: count(sum(inside.map((i) => layers[i].parameters))), macs: count(sum(inside.map((i) => layers[i].macs))), kept: kept && sum(inside.map((i) => kept[i])), unfolded };
      body.append(make("tr", { className: `block ${state(inside)}` }, ...cells(null, totals, [button])));
      if (unfolded) add(inside, depth + 1);
      at = end;
    }
  };
  add(data.layers.map((_, i) => i), 0);
  drawBars();
}

function keptCell(bytes, bar) {
  const cell = make("td", { className: "n kept", title: bytes === null ? keptElsewhere() : "" }, bytes === null ? "–" : mebibytes(bytes));
  if (bar && bytes !== null) cell.dataset.bytes = bytes;
  return cell;
}
// The bars of the rows that stand in the table: the largest fills its cell.
function drawBars() {
  const cells = [...document.querySelectorAll("td[data-bytes]")], most = Math.max(1, ...cells.map((cell) => cell.dataset.bytes));
  for (const cell of cells) cell.style.setProperty("--share", cell.dataset.bytes / most);
}

// The file with the sizes that are set.
function toml() {
  const shapes = data.inputs.map(({ name }, i) => [name, `[${laid(model.result().values[i + 1] || []).join(", ")}]`]);
  if (!data.toml) return "";
  return data.toml.replace(/^(inputs?\s*)=.*$/m, (_, key) => `${key}= ${key.trim() === "input" ? shapes[0][1] : `{ ${shapes.map(([name, shape]) => `${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)} = ${shape}`).join(", ")} }`}`);
}

async function copy() {
  const text = toml();
  try { await navigator.clipboard.writeText(text); } catch {
    const area = make("textarea", { value: text, className: "away" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    $("copy").focus();
  }
  say("The file is copied, with these sizes.");
}

// Keys and pointers.

function start() {
  document.title = data.name || "a net";
  buildControls_();
  $("canvas").addEventListener("pointerover", (event) => { const g = event.target.closest("g.solid"); if (g) choose({ solid: Number(g.dataset.solid) }, false); });
  $("canvas").addEventListener("click", (event) => { const g = event.target.closest("g.solid"); g ? pick(Number(g.dataset.solid)) : ((pinned = false), choose(null, false)); });
  $("canvas").addEventListener("focusin", (event) => { const g = event.target.closest("g.solid"); if (g) choose({ solid: Number(g.dataset.solid) }, true); });
  $("canvas").addEventListener("keydown", (event) => {
    const g = event.target.closest("g.solid");
    if (!g) return;
    const at = Number(g.dataset.solid), last = data.pictures[picture].solids.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); unfold(at); return; }
    if (event.key === "Escape") { choose(null, true); pinned = false; return; }
    if (to === undefined) return;
    event.preventDefault();
    focusSolid(Math.min(Math.max(to, 0), last));
  });
  $("canvas").addEventListener("dblclick", (event) => { const g = event.target.closest("g.solid"); if (g) unfold(Number(g.dataset.solid)); });
  $("rows").addEventListener("pointerover", (event) => { const tr = event.target.closest("tr[data-row]"); if (tr) choose({ row: Number(tr.dataset.row) }, false); });
  $("rows").addEventListener("click", (event) => { const tr = event.target.closest("tr[data-row]"); if (tr) choose({ row: Number(tr.dataset.row) }, true); });
  $("rows").addEventListener("focusin", (event) => { const tr = event.target.closest("tr[data-row]"); if (tr) choose({ row: Number(tr.dataset.row) }, true); });
  $("rows").addEventListener("keydown", (event) => {
    const tr = event.target.closest("tr"), to = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const next = to && tr && tr[to];
    if (next) { event.preventDefault(); (next.querySelector(".fold") || next).focus(); }
  });
  $("copy").onclick = copy;
  $("copy").hidden = !data.toml;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paintTracks());
}

function buildControls_() {
  buildDepths();
  buildTable();
  choosePicture(0);
  const refusing = model.result().layers.findIndex((layer) => layer.refused.length);
  if (data.layers.length) chosen = { row: Math.max(refusing, 0) };
  buildControls();
  if (data.start.some((size, i) => size !== data.sides[i].declared)) apply(Object.fromEntries(data.sides.map((side, i) => [side.name, data.start[i]])));
  if (data.why) say(`There is no closed form (${data.why}): the page has the sizes ${knownSizes()}.`);
}

function focusSolid(index) {
  document.querySelectorAll("g.solid").forEach((g) => g.setAttribute("tabindex", Number(g.dataset.solid) === index ? "0" : "-1"));
  document.querySelector(`g.solid[data-solid="${index}"]`).focus();
}

const pick = (index) => choose({ solid: index }, true);

// Show the picture with the block of a box unfolded, at its first part.
function unfold(index) {
  const solid = data.pictures[picture].solids[index], depth = data.pictures[picture].depth;
  const next = data.pictures.map((drawn, i) => [drawn.depth, i]).filter(([deeper]) => deeper > depth).sort(([a], [b]) => a - b)[0];
  if (!solid.folded || !next) return pick(index);
  choosePicture(next[1]);
  renderPicture();
  const part = data.pictures[picture].solids.findIndex((other) => other.rows.includes(solid.rows[0]));
  if (part >= 0) focusSolid(part);
}

// Set sides by their names, as the sliders do; sides that no longer agree are unlinked.
function apply(sizes) {
  if (!model.set(sizes)) return false;
  const sides = model.sides;
  if (groups.some((group) => new Set(group.map((i) => sides[i])).size > 1)) {
    document.querySelectorAll("#links input").forEach((box) => { box.checked = false; });
    regroup();
    buildSliders();
  }
  render();
  return true;
}

start();
window.cnnshape = { set: apply, state: () => model.state() };

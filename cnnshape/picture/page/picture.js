// The picture at the sizes that are set: bodies as cnnshape/picture/bodies.py makes them, faces as drawing.py, and SVG.

const LEAST = 3, BAR = 7, FOLD = 9, STRIPE = 4, UNSURE = 20, OBLIQUE = [0.34, 0.24], MOST_TICKS = 12, LONG = 16, MOST_COPIES = 4;
const LETTER = 0.62; // as wide as most letters, of their size
const RADIUS = 6.5, BEFORE = 11, STROKE = 3.6;

// The scale at which the largest of some shapes is as long as the paper takes, but nothing is larger than it was.
function scaleOf(shapes, placed) {
  const { longest, log } = placed;
  const spaces = shapes.filter(Boolean);
  const images = spaces.filter((s) => s.length > 2 && !s.slice(1).some(unknown));
  const usual = images.filter((s) => Math.max(...s.slice(1)) <= LONG * Math.min(...s.slice(1)));
  const sides = (usual.length ? usual : images).flatMap((s) => s.slice(1));
  const lines = spaces.filter((s) => s.length === 2 && !unknown(s[1])).map((s) => s[1]);
  const channels = spaces.filter((s) => (s.length === 2 || s.length === 3) && !unknown(s[0])).map((s) => s[0]);
  const features = spaces.filter((s) => s.length === 1 && !unknown(s[0])).map((s) => s[0]);
  const unit = (numbers, length) => { const most = Math.max(...(numbers.length ? numbers : [1])); return length / (log ? Math.log2(1 + most) : most); };
  return {
    side: Math.min(unit(sides, longest), placed.side),
    line: Math.min(unit(lines, sides.length ? 0.7 * longest : longest), placed.line),
    channel: Math.min(unit(channels, 0.42 * longest), placed.channel),
    feature: Math.min(unit(features, 0.5 * longest), placed.feature),
    longest, log,
  };
}

function lengthOf(number, unit, scale) {
  if (unknown(number)) return UNSURE;
  return Math.min(Math.max(LEAST, (scale.log ? Math.log2(1 + number) : number) * unit), scale.longest);
}

function extentsOf(shape, scale) {
  if (!shape) return [UNSURE, UNSURE, UNSURE];
  const [channels, ...sides] = shape.length ? shape : [1];
  if (!sides.length) return [BAR, lengthOf(channels, scale.feature, scale), BAR];
  if (sides.length === 1) return [lengthOf(channels, scale.channel, scale), lengthOf(sides[0], scale.line, scale), 0];
  const lengths = sides.map((side) => lengthOf(side, scale.side, scale));
  return sides.length === 2 ? [lengthOf(channels, scale.channel, scale), ...lengths] : lengths.slice(0, 3);
}

// One solid on paper: {left, top, width, height, dx, dy, slices: [begin, end, paint], ticks, lost}.
function bodyOf(solid, shape, state, dropped, scale) {
  let [wide, high, deep] = extentsOf(shape, scale);
  if (solid.folded) wide = Math.max(wide, FOLD);
  const stripes = solid.stripes || [], times = solid.times || 1;
  const copies = stripes.length && times <= MOST_COPIES ? times : 1;
  const widths = [[wide / copies, state === "ok" ? solid.paint : state], ...stripes.map((paint) => [STRIPE, paint])];
  const slices = [];
  let begin = 0;
  for (let copy = 0; copy < copies; copy++)
    for (const [width, paint] of widths) { slices.push([begin, begin + width, paint]); begin += width; }
  let ticks = [];
  if (solid.parts) {
    const whole = solid.parts.reduce((a, b) => a + b, 0);
    let sum = 0;
    ticks = solid.parts.slice(0, -1).map((part) => wide * (sum += part) / whole);
    if (ticks.length >= MOST_TICKS) ticks = [];
  } else if (times > 1 && times <= MOST_TICKS && !stripes.length)
    ticks = Array.from({ length: times - 1 }, (_, part) => wide * (part + 1) / times);
  const shares = (dropped || []).map((cells, axis) => cells ? cells / shape[1 + axis] : 0);
  const lost = { 1: [shares[0], 0], 2: shares, 3: shares.slice(1) }[shares.length] || [0, 0];
  const dx = deep * OBLIQUE[0], dy = deep * OBLIQUE[1], [x, y] = solid.centre;
  return { left: x - (begin + dx) / 2, top: y - (high - dy) / 2, width: begin, height: high, dx, dy, slices, ticks, lost };
}

// All solids of a picture at a result of the model: [{body, shape, state}].
function bodiesOf(picture, result, lost, data) {
  const firstRow = 1 + data.inputs.length;
  const shapes = picture.solids.map((solid) => result.values[solid.value]);
  const scale = scaleOf(shapes, picture.lengths);
  return picture.solids.map((solid, i) => {
    const { rows } = solid, shape = shapes[i];
    const state = rows.some((row) => result.layers[row].refused.length || data.layers[row].broken) ? "fails"
      : rows.some((row) => !known(result.values[firstRow + row])) ? "unknown" : "ok";
    let dropped = null;
    for (const row of solid.readers || []) {
      const cells = lost[row];
      if (cells && cells.some(Boolean) && shape && shape.length === cells.length + 1)
        dropped = cells.map((n, axis) => Math.max(n || 0, dropped ? dropped[axis] : 0));
    }
    return { body: bodyOf(solid, shape, state, dropped, scale), shape, state };
  });
}

const right = (body) => body.left + body.width + body.dx;
const bottom = (body) => body.top + body.height;
const middle = (body) => (body.top - body.dy + bottom(body)) / 2;
const entry = (body) => { const over = Math.max(body.top - middle(body), 0); return body.left + (over ? body.dx * over / body.dy : 0); };
const exit = (body) => right(body) - (entry(body) - body.left);

const n1 = (number) => String(Math.round(number * 10) / 10);
const path = (points) => "M" + points.map(([x, y]) => `${n1(x)} ${n1(y)}`).join("L");
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

function facesOf({ left, top, width, height, dx, dy, slices, lost: [rows, columns] }) {
  const bottom = top + height, out = [];
  const face = (side, paint, points, gone) => {
    out.push(`<path class="${paint} ${side}" d="${path(points)}Z"/>`);
    if (side !== "front") out.push(`<path class="shade ${side}" d="${path(points)}Z"/>`);
    if (gone) out.push(`<path class="lost" d="${path(gone)}Z"/>`);
  };
  const fx = dx * (1 - columns), fy = dy * (1 - columns);
  for (const [begin, end, paint] of slices) {
    const x0 = left + begin, x1 = left + end, level = bottom - rows * height;
    face("front", paint, [[x0, top], [x1, top], [x1, bottom], [x0, bottom]], rows ? [[x0, level], [x1, level], [x1, bottom], [x0, bottom]] : null);
    if (dx) face("top", paint, [[x0, top], [x1, top], [x1 + dx, top - dy], [x0 + dx, top - dy]],
      columns ? [[x0 + fx, top - fy], [x1 + fx, top - fy], [x1 + dx, top - dy], [x0 + dx, top - dy]] : null);
  }
  const x = left + width;
  if (dx) face("side", slices[0][2], [[x, top], [x + dx, top - dy], [x + dx, bottom - dy], [x, bottom]],
    columns ? [[x + fx, top - fy], [x + dx, top - dy], [x + dx, bottom - dy], [x + fx, bottom - fy]] : null);
  return out.join("");
}

function edgesOf({ left, top, width, height, dx, dy, ticks }) {
  const right = left + width, bottom = top + height;
  const lines = [[[left, bottom], [left, top], [left + dx, top - dy], [right + dx, top - dy], [right + dx, bottom - dy], [right, bottom], [left, bottom]]];
  if (dx) lines.push([[left, top], [right, top], [right + dx, top - dy]], [[right, top], [right, bottom]]);
  for (const tick of ticks) lines.push([[left + tick, bottom], [left + tick, top], [left + tick + dx, top - dy]]);
  return lines.map(path).join("");
}

function signOf(sign, [x, y]) {
  const strokes = sign === "||" ? [[[x - 1.5, y - STROKE], [x - 1.5, y + STROKE]], [[x + 1.5, y - STROKE], [x + 1.5, y + STROKE]]]
    : ({ "+": [0, 0.5], "-": [0], x: [0.25, 0.75], "/": [0.75], "@": [0, 0.25, 0.5, 0.75] }[sign] || []).map((turn) => {
      const a = STROKE * Math.cos(Math.PI * turn), b = STROKE * Math.sin(Math.PI * turn);
      return [[x - a, y - b], [x + a, y + b]];
    });
  return `<circle class="sign" cx="${n1(x)}" cy="${n1(y)}" r="${RADIUS}"/><path class="stroke" d="${strokes.map(path).join("")}"/>`;
}

// The receptive field of a layer on the input's box: the rows and columns of the image, on the face that shows both.
function fieldOn(body, [rows, columns]) {
  const x = body.left + body.width, at = (column, row) => [x + body.dx * column, body.top + body.height * row - body.dy * column];
  const [r0, r1] = rows, [c0, c1] = columns || [0, 1];
  const side = [at(c0, r0), at(c1, r0), at(c1, r1), at(c0, r1)];
  const front = [[body.left, body.top + body.height * r0], [x, body.top + body.height * r0], [x, body.top + body.height * r1], [body.left, body.top + body.height * r1]];
  return `<path class="field" d="${path(body.dx ? side : front)}Z"/>`;
}

// The corners of an arrow, led to the ends of its boxes as they are now.
function ledTo({ points, arrow }, before, now) {
  if (!arrow) return points;
  const moved = points.map((point) => [...point]), [source, target] = arrow, last = moved.length - 1;
  if (moved[0][0] === moved[1][0] && last === 1) { // of one block, in one column
    const down = moved[0][1] < moved[1][1];
    moved[0][1] = down ? bottom(now[source].body) : now[source].body.top - now[source].body.dy;
    moved[1][1] = down ? now[target].body.top - now[target].body.dy : bottom(now[target].body);
    return moved;
  }
  moved[0][0] += exit(now[source].body) - exit(before[source].body);
  if (Math.abs(moved[last][0] - entry(before[target].body)) < 1) moved[last][0] = entry(now[target].body);
  return moved;
}

// The labels of a picture with their words, and where they stand now: below and above their boxes, as far as there is room.
function labelsOf(picture, before, now, sizeText) {
  const labels = picture.labels.filter(([, , , , , role]) => role !== "mark").map(([text, x, y, size, anchor, role, of]) => {
    const words = of === null || role === "name" ? text : sizeText(now[of].shape);
    const letters = Math.max(0.7 * size, Math.min(size, size * text.length / words.length)); // in the room that there was
    return { words, x, y, letters, anchor, role, of };
  });
  const rects = [...labels.map(rectOf), ...now.map(({ body }) => [body.left, body.top - body.dy, right(body), bottom(body)])];
  labels.forEach((label, i) => {
    if (label.role === "window" || label.of === null) return;
    const was = before[label.of].body, is = now[label.of].body, side = { start: (b) => b.left, end: right, middle: (b) => (b.left + right(b)) / 2 }[label.anchor];
    const across = side(is) - side(was), along = label.role === "size" ? bottom(is) - bottom(was) : is.top - is.dy - (was.top - was.dy);
    for (const share of [1, 0.75, 0.5, 0.25]) {
      const moved = { ...label, x: label.x + share * across, y: label.y + share * along }, rect = rectOf(moved);
      if (rects.some((other, j) => j !== i && rect[0] < other[2] && other[0] < rect[2] && rect[1] < other[3] && other[1] < rect[3])) continue;
      [label.x, label.y, rects[i]] = [moved.x, moved.y, rect];
      return;
    }
  });
  return labels;
}

function rectOf({ words, x, y, letters, anchor }) {
  const width = LETTER * letters * words.length, left = x - { start: 0, middle: 0.5, end: 1 }[anchor] * width;
  return [left, y - 0.76 * letters, left + width, y + 0.22 * letters];
}

// The SVG of a picture. `before` are its bodies at the sizes that it was placed at.
function svgOf(picture, before, now, chosen, sizeText, title) {
  const out = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${picture.width} ${picture.height}" class="cnnshape" role="group" aria-label="${escaped(title)}" style="--wide:${picture.width}px">`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path class="head" d="M0 0.8 8 4 0 7.2z"/></marker>',
    '<pattern id="hatch" width="3" height="3" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V3"/></pattern></defs>'];
  for (const route of picture.routes)
    out.push(`<path class="arrow ${route.kind || ""}" d="${path(ledTo(route, before, now))}" marker-end="url(#head)"/>`);
  picture.solids.forEach((solid, i) => {
    const { body, state } = now[i];
    out.push(`<g class="solid ${state}${chosen(solid) ? " chosen" : ""}" data-solid="${i}" tabindex="${i ? -1 : 0}" role="button" aria-label="${escaped(`${solid.name}, ${solid.kind}, ${sizeText(now[i].shape)}${state === "fails" ? ", refused" : ""}`)}">`,
      facesOf(body), `<path class="edge" d="${edgesOf(body)}"/>`,
      solid.sign ? signOf(solid.sign, [entry(before[i].body) - BEFORE, middle(before[i].body)]) : "", "</g>");
  });
  for (const [paint, x, y, text, tx, ty] of picture.legend)
    out.push(`<rect class="${paint} front" x="${x}" y="${y}" width="9" height="9"/><text class="legend" x="${tx}" y="${ty}" font-size="9">${escaped(text)}</text>`);
  for (const { words, x, y, letters, anchor, role } of labelsOf(picture, before, now, sizeText))
    out.push(`<text class="${role}" x="${n1(x)}" y="${n1(y)}" font-size="${n1(letters)}" text-anchor="${anchor}">${escaped(words)}</text>`);
  now.forEach(({ body, state }) => {
    if (state === "unknown") out.push(`<text class="mark" x="${n1(body.left + (body.width + body.dx) / 2)}" y="${n1(middle(body) + 5)}" font-size="14" text-anchor="middle">?</text>`);
  });
  out.push('<g id="overlay"></g></svg>');
  return out.join("");
}

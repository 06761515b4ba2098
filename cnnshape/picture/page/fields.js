// Receptive fields, as cnnshape/network/receptive.py computes them: sets of cells are bits of a BigInt.

const POINT = [1, 1, [[0, 1, 1]]];
const MOST_CELLS = 2 ** 20, MOST_POSITIONS = 2 ** 12, MOST_STEPS = 2 ** 20, BITS = 2 ** 12, USES = 4;

class TooLarge extends Error {}

const gcd = (a, b) => { while (b) [a, b] = [b, a % b]; return Math.abs(a); };
const lcm = (a, b) => a / gcd(a, b) * b;
const bits = (mask) => mask ? mask.toString(2).length : 0;
const all = (side) => (1n << BigInt(side)) - 1n;
const positions = (mask) => [...mask.toString(2)].reverse().flatMap((bit, i) => bit === "1" ? [i] : []);

// Reaches that depend on sides (layers/windows.py).
function sampled(times, plus, by, before = 0, after = 0) {
  const common = gcd(times, by);
  if (by / common > MOST_POSITIONS) throw new TooLarge();
  const windows = [];
  for (let position = 0; position < by / common; position++) {
    const cell = div(times * position + plus, by), rest = mod(times * position + plus, by);
    windows.push(rest ? [cell - before, 1 + before + after, 1] : [cell, 1, 1]);
  }
  return [by / common, times / common, windows];
}

function spread(w, windows) {
  if (windows === 1) return [1, 0, [[0, w, 1]]];
  const common = gcd(w, windows);
  if (windows / common > MOST_POSITIONS) throw new TooLarge();
  const ends = [];
  for (let j = 0; j < windows / common; j++) {
    const first = div(j * w, windows);
    ends.push([first, -div(-(j + 1) * w, windows) - first, 1]);
  }
  return [windows / common, w / common, ends];
}

// Cells: {first, mask}, of which bit 0 is set, or the mask is 0n.
const NOTHING = { first: 0, mask: 0n };
const extent = (cells) => bits(cells.mask);
const support = (cells) => cells.mask ? cells.mask.toString(2).replaceAll("0", "").length : 0;
const last = (cells) => cells.first + extent(cells) - 1;
const moved = (cells, by) => cells.mask ? { first: cells.first + by, mask: cells.mask } : cells;
const cellsWork = (cells) => 1 + Math.floor(extent(cells) / BITS);

function within(cells, side) {
  if (side > MOST_CELLS) throw new TooLarge();
  return (cells.first > 0 ? cells.mask << BigInt(cells.first) : cells.mask >> BigInt(-cells.first)) & all(side);
}

function smeared(cells, step, count) {
  if (count > 1 && extent(cells) + step * (count - 1) > MOST_CELLS) throw new TooLarge();
  let mask = cells.mask, done = 1;
  while (done < count) {
    const more = Math.min(done, count - done);
    mask |= mask << BigInt(step * more);
    done += more;
  }
  return { first: cells.first, mask };
}

function union(some) {
  const sets = some.filter((cells) => cells.mask);
  if (!sets.length) return NOTHING;
  const first = Math.min(...sets.map((cells) => cells.first));
  if (Math.max(...sets.map(last)) - first >= MOST_CELLS) throw new TooLarge();
  return { first, mask: sets.reduce((mask, cells) => mask | cells.mask << BigInt(cells.first - first), 0n) };
}

// A part of a field: position period*n + r depends on cells[r], moved by step*n.
const atPosition = (part, position) => moved(part.cells[mod(position, part.period)], part.step * div(position, part.period));
const covers = (part, side) => !part.step && part.cells.every((cells) => within(cells, side) === all(side));
const partWork = (part) => part.cells.reduce((work, cells) => work + cellsWork(cells), 0);
const equalCells = (a, b) => a.first === b.first && a.mask === b.mask;

function shortest(period, step, cells) {
  for (let shorter = 1; shorter <= period / 2; shorter++)
    if (period % shorter === 0 && (shorter * step) % period === 0) {
      const part = { period: shorter, step: shorter * step / period, cells: cells.slice(0, shorter) };
      if (cells.every((its, position) => equalCells(atPosition(part, position), its))) return part;
    }
  return { period, step, cells };
}

// The field of a layer that reads a value with this part in this way.
function seen(part, [period, step, windows], spend) {
  const times = part.period / gcd(step, part.period);
  if (period * times > MOST_POSITIONS) throw new TooLarge();
  const found = [];
  for (let n = 0; n < times; n++)
    for (const [first, taps, apart] of windows) {
      const cycle = part.period / gcd(apart, part.period);
      const sets = [];
      for (let tap = 0; tap < Math.min(cycle, taps); tap++) {
        const start = atPosition(part, first + step * n + apart * tap);
        const cells = smeared(start, apart * cycle / part.period * part.step, Math.ceil((taps - tap) / cycle));
        spend(cellsWork(cells));
        sets.push(cells);
      }
      found.push(union(sets));
    }
  return shortest(period * times, step * times / part.period * part.step, found);
}

function joinedParts(parts, spend) {
  const bySpeed = new Map();
  for (const part of parts) {
    const common = gcd(part.step, part.period), speed = `${part.step / common}/${part.period / common}`;
    const other = bySpeed.get(speed);
    if (!other) { bySpeed.set(speed, part); continue; }
    const period = lcm(part.period, other.period);
    if (period > MOST_POSITIONS) throw new TooLarge();
    spend(partWork(part) * (period / part.period) + partWork(other) * (period / other.period));
    const cells = Array.from({ length: period }, (_, i) => union([atPosition(part, i), atPosition(other, i)]));
    bySpeed.set(speed, shortest(period, part.step * (period / part.period), cells));
  }
  return [...bySpeed.values()];
}

// The cells of a side that some positions read; both are bits of a number.
function readBy([period, step, windows], some, side, spend) {
  const masks = windows.map(([, taps, apart]) => taps ? smeared({ first: 0, mask: 1n }, apart, taps).mask : 0n);
  let read = 0n;
  for (const position of positions(some)) {
    spend(1 + Math.floor(side / BITS));
    const n = div(position, period), r = mod(position, period);
    read |= within({ first: windows[r][0] + step * n, mask: masks[r] }, side);
  }
  return read;
}

// The fields of all layers along each axis of the image: {parts, positions, side} or null.
// `values` are the shapes of all values, inputs first; `isImage` says which inputs are the image.
function fieldsOf(layers, rules, values, results, isImage) {
  const count = values.length - layers.length; // of values before the first layer's
  const images = isImage.flatMap((is, i) => is ? [i + 1] : []);
  if (!images.length) return layers.map(() => []);
  const image = values[images[0]].slice(1);
  const fields = [image.map(() => null)];
  for (let i = 1; i < count; i++) fields.push(image.map(() => isImage[i - 1] ? [{ period: 1, step: 1, cells: [{ first: 0, mask: 1n }] }] : []));
  const waysOf = [];
  let left = MOST_STEPS;
  const spend = (steps) => { if ((left -= steps) < 0) throw new TooLarge(); };
  const side = (value, axis) => values[value] && values[value].length === 1 + image.length ? values[value][1 + axis] : 1;

  function along(axis, ways) {
    const found = [];
    let mixed = false;
    for (const [value, axes] of ways) {
      const parts = fields[value][axis];
      const reach = axes.length === image.length ? axes[axis] : null;
      const moves = parts && parts.some((part) => part.step);
      if (parts === null || (reach === null && moves)) return null;
      if (reach === null) { mixed = true; found.push(parts); }
      else if (reach[1] === 0 && moves) found.push([reached(axis, value, reach)]);
      else found.push(parts.map((part) => seen(part, reach, spend)));
    }
    if (mixed && new Set(found.map(written)).size > 1) return null;
    const joined = joinedParts(found.flat(), spend);
    const whole = joined.find((part) => covers(part, image[axis]));
    return whole ? [whole] : joined;
  }

  const written = (parts) => JSON.stringify(parts, (_, value) => typeof value === "bigint" ? String(value) : value);

  // The field of a layer that reads the same at every position: cells that exist, and no padding.
  function reached(axis, value, reach) {
    let mask = 0n;
    const needed = new Map([[value, readBy(reach, 1n, side(value, axis), spend)]]);
    while (needed.size) {
      const latest = Math.max(...needed.keys());
      const some = needed.get(latest), parts = fields[latest][axis] || [];
      needed.delete(latest);
      if (images.includes(latest)) mask |= some;
      else if (!parts.some((part) => part.step))
        for (const part of parts) {
          const rests = new Set(positions(some).map((position) => position % part.period));
          mask |= within(union([...rests].map((r) => part.cells[r])), image[axis]);
        }
      else
        for (const [source, axes] of waysOf[latest - count])
          needed.set(source, (needed.get(source) || 0n) | readBy(axes[axis], some, side(source, axis), spend));
    }
    const first = mask ? bits(mask & -mask) - 1 : 0;
    return { period: 1, step: 0, cells: [mask ? { first, mask: mask >> BigInt(first) } : NOTHING] };
  }

  function bounded(field) {
    if (field.parts.length === 1) return field;
    try {
      const ends = [0, field.positions - 1].map((position) => cellsWork(fieldAt(field, position)));
      const work = USES * field.positions * field.parts.length * Math.max(...ends);
      if (work > left) return null;
      spend(work);
      extents(field, extent);
      return field;
    } catch (error) { return tooLarge(error); }
  }

  return layers.map((layer, i) => {
    let ways = [], own = image.map(() => null);
    const output = values[count + i], entering = layer.inputs.map((value) => values[value]);
    if (!results[i].refused.length && known(output) && entering.every(known)) {
      try {
        spend(1);
        ways = reachesOf(rules[layer.rule], entering, output).map((axes, n) => [layer.inputs[n], axes]);
        spend(ways.reduce((sum, [, axes]) => sum + axes.reduce((n, reach) => n + (reach ? reach[2].length : 0), 0), 0));
        own = image.map((_, axis) => along(axis, ways));
      } catch (error) { tooLarge(error); own = image.map(() => null); }
    }
    waysOf.push(ways);
    fields.push(own);
    let sides = (output || []).slice(1);
    if (sides.length !== image.length) {
      own = own.map((parts) => parts && parts.some((part) => part.step) ? null : parts);
      sides = image.map(() => 1);
    }
    return own.map((parts, axis) => parts && bounded({ parts, positions: sides[axis], side: image[axis] }));
  });
}

const tooLarge = (error) => { if (error instanceof TooLarge) return null; throw error; };

// The reaches of a layer into each of its inputs, along each of their spatial axes.
function reachesOf(rule, entering, output) {
  if (rule.reads === null) throw new TooLarge();
  if (rule.reads === undefined) return [entering[0].slice(1).map(() => POINT)];
  if (rule.reads === REPEATED) return entering.map((x) => x.slice(1).map((w, axis) => w < output[1 + axis] ? [1, 0, [[0, 1, 1]]] : POINT));
  return rule.reads(...entering.flat());
}
const REPEATED = "repeated";

const fieldAt = (field, position) => union(field.parts.map((part) => atPosition(part, position)));

function extents(field, measure) {
  const different = field.parts.length === 1 ? field.parts[0].cells
    : Array.from({ length: field.positions }, (_, position) => fieldAt(field, position));
  const sizes = different.map(measure);
  return sizes.length ? [Math.min(...sizes), Math.max(...sizes)] : [0, 0];
}

// A field as `cnnshape sizes --layers --format json` writes it.
function fieldFacts(field) {
  if (!field) return null;
  const alone = field.parts.length === 1 ? field.parts[0] : null;
  const common = alone && gcd(alone.step, alone.period);
  return {
    whole_image: field.parts.some((part) => covers(part, field.side)),
    extent: extents(field, extent),
    support: extents(field, support),
    stride: alone && (alone.step / common + (alone.period === common ? "" : `/${alone.period / common}`)),
    period: alone && alone.period,
    residues: alone && alone.cells.map((cells) => ({ first: cells.first, extent: extent(cells), support: support(cells) })),
  };
}

// Lost rows, as cnnshape/network/held.py and report.py count them: the cells of the image that nothing reads at the end
// of each axis of what enters a layer first; null where a side is not known.
const MOST_HELD = 2 ** 14, MOST_HELD_STEPS = 2 ** 17;

// The cells at the end of a side that windows with holes do not read (Sliding.unread in cnnshape/layers/sliding.py).
function unread(w, windows, before, kernel, stride, dilation) {
  let lastRead = -1;
  for (let tap = 0; tap < Math.min(kernel * dilation, w + before); tap += dilation) {
    const window = Math.min(windows - 1, div(w - 1 + before - tap, stride));
    lastRead = Math.max(lastRead, stride * window - before + tap);
  }
  return w - 1 - lastRead;
}

function lostRows(layers, rules, values) {
  const count = values.length - layers.length;
  const cells = Array(count).fill(null);
  let left = MOST_HELD_STEPS, allHold = true;
  const spend = (steps) => { if ((left -= steps) < 0) throw new TooLarge(); };

  function held(layer, output) {
    const rule = rules[layer.rule], entering = layer.inputs.map((value) => values[value]);
    const its = layer.inputs.map((value) => cells[value]);
    if (!rule || !known(output)) return null;
    if (its.every((one) => one === null) ? !rule.leavesEmpty : rule.repeatsEnds && !rule.leavesEmpty) return null;
    if (![...entering, output].every((shape) => known(shape) && Math.max(0, ...shape) <= MOST_HELD)) return null;
    const found = [];
    try {
      const ways = reachesOf(rule, entering, output);
      output.slice(1).forEach((out, axis) => {
        let some = 0n;
        ways.forEach((reaches, i) => {
          const reach = reaches.length === output.length - 1 ? reaches[axis] : null;
          spend(reach ? out + reach[2].reduce((sum, [, taps]) => sum + taps, 0) : 1);
          some |= reach === null ? all(out) : reading(reach, its[i] ? its[i][axis] : all(entering[i][1 + axis]), out);
        });
        found.push(some);
      });
    } catch (error) { return tooLarge(error); }
    return found.every((some, axis) => some === all(output[1 + axis])) ? null : found;
  }

  return layers.map((layer, i) => {
    const rule = rules[layer.rule], output = values[count + i], entering = layer.inputs.map((value) => values[value]);
    const x = entering[0], own = cells[layer.inputs[0]];
    let lost = [];
    if (rule && rule.unread && x && output) {
      const numbers = rule.unread(...entering.flat(), ...output);
      lost = numbers.map((number, axis) => unknown(number) ? null : number && own ? heldAmong(own[axis], x[1 + axis], number) : number);
    }
    if (output && rule && rule.leavesEmpty) allHold = false;
    cells.push(allHold ? null : held(layer, output));
    return lost;
  });
}

const heldAmong = (mask, side, number) => positions(mask >> BigInt(side - number)).length;

// The positions of a result that read one of some cells.
function reading([period, step, windows], some, out) {
  const masks = windows.map(([, taps, apart]) => { let mask = 0n; for (let t = 0; t < taps; t++) mask |= 1n << BigInt(t * apart); return mask; });
  let found = 0n;
  for (let position = 0; position < out; position++) {
    const first = windows[position % period][0] + step * Math.floor(position / period), mask = masks[position % period];
    if ((first >= 0 ? mask << BigInt(first) : mask >> BigInt(-first)) & some) found |= 1n << BigInt(position);
  }
  return found;
}

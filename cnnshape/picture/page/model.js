// The net as the page computes it: every shape, count and refusal at any size of the inputs, by the rules of the layers.
// NaN stands for a size that is not known, behind a failure; null for a shape of which not even the rank is known.

const div = (a, b) => typeof a === "bigint" || typeof b === "bigint" ? bigDiv(BigInt(a), BigInt(b)) : Math.floor(a / b);
const bigDiv = (a, b) => (a - ((a % b) + b) % b) / b;
const mod = (a, b) => a - div(a, b) * b;
const unknown = (n) => n !== n;
const same = (a, b) => unknown(a) ? b : a;
const larger = (a, b) => {
  if (unknown(a)) return b === 1 ? a : b;
  if (unknown(b)) return a === 1 ? b : a;
  return a > b ? a : b;
};
const said = (n) => unknown(n) ? "?" : Math.abs(n) < 10000 ? String(n) : n.toLocaleString("en-US");

const LARGEST = 2n ** 63n - 1n; // torch's sizes are int64
const MOST_SIDE = 2 ** 24; // of a side that may be set

// A rule as the page has it leaves out what is usual. `refuses` has for each condition whether it is refused, `says` its
// sentence, `behind` the conditions behind whose refusal it is not asked, `whole` those that refuse the layer as a whole, and
// `changed` for each size that comes out those that change it: to NaN, or to one of its `choices`. `gives` comes out, or else
// what is `stated`, null where not even the rank is.
function complete(rule) {
  const { stated = null } = rule;
  return {
    refuses: () => [], says: () => [], behind: [], whole: [], changed: [], parameters: () => 0, macs: () => 0, ...rule,
    stated: typeof stated === "number" ? () => Array(stated).fill(NaN) : stated,
  };
}

// Run one rule on the sizes that enter: {output, refused: numbers of its conditions, whole}.
function runRule(rule, sizes) {
  const asked = rule.refuses(...sizes);
  const refused = [];
  for (let i = 0; i < asked.length; i++) {
    const behind = rule.behind[i];
    if (asked[i] && !(behind && behind.some((j) => refused.includes(j)))) refused.push(i);
  }
  if (rule.gives === null || refused.some((i) => rule.whole.includes(i)))
    return { output: rule.stated && rule.stated(...sizes), refused, whole: true };
  const output = rule.gives(...sizes);
  if (refused.length)
    rule.changed.forEach((which, place) => {
      let choice = 0;
      which.forEach((i, bit) => { if (refused.includes(i)) choice |= 1 << bit; });
      const choices = rule.choices && rule.choices[place];
      if (choice) output[place] = choices ? choices[choice](...sizes) : NaN;
    });
  return { output, refused, whole: false };
}

// The exact value of a count that a number cannot hold: the same expression, in BigInt.
function exactly(expression, sizes) {
  const text = String(expression).replace(/\b\d+\b/g, "$&n");
  return new Function("div", "mod", "same", "larger", `return ${text}`)(div, mod, same, larger)(...sizes.map(BigInt));
}

function counted(expression, sizes) {
  const number = expression(...sizes);
  return unknown(number) ? null : Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : exactly(expression, sizes);
}

const sum = (numbers) => {
  if (numbers.includes(null)) return null;
  const total = numbers.reduce((a, b) => a + Number(b), 0);
  return total <= Number.MAX_SAFE_INTEGER ? total : numbers.reduce((a, b) => a + BigInt(b), 0n);
};
const plain = (number) => typeof number === "bigint" ? String(number) : number; // for JSON

// Run one layer on the shapes that enter: {output, refused: [sentences], parameters, macs}.
function runLayer(layer, rules, entering, counts = true) {
  const rule = rules[layer.rule];
  if (rule === undefined || entering.includes(null)) return { output: null, refused: [], parameters: own(layer, null), macs: null };
  let sizes, result;
  const said = [];
  const run = (...shapes) => {
    sizes = shapes.flat();
    result = runRule(rule, sizes);
    if (result.refused.length) said.push(...rule.says(...sizes).filter((_, i) => result.refused.includes(i)));
    return result.output;
  };
  if (rule.folds) {
    let joined = entering[0];
    for (const other of entering.slice(1)) if (!(result && result.whole)) joined = run(joined, other);
  } else run(...entering);
  let { output, whole } = result;
  if (!whole && !output.some(unknown) && tooMany(output)) {
    said.push(`${output.map(String).join(" x ")} are more elements than torch counts`);
    output = rule.stated && rule.stated(...sizes);
    whole = true;
  }
  if (!counts) return { output, refused: said };
  const all = whole ? [] : [...sizes, ...output];
  return {
    output,
    refused: [...new Set(said)],
    parameters: own(layer, whole ? null : counted(rule.parameters, all)),
    macs: whole ? null : counted(rule.macs, all),
  };
}

const own = (layer, parameters) => layer.own === 0 ? 0 : parameters === null ? null : layer.own ?? parameters;
const tooMany = (shape) => shape.reduce((a, b) => a * b, 1) > 2 ** 53 && shape.reduce((a, b) => a * BigInt(b), 1n) > LARGEST;
const known = (shape) => shape && !shape.some(unknown) ? shape : null;

// Names, each written as the number of letters that it shares with the one before, and the others.
function namesOf(texts) {
  let before = [];
  return texts.map((text) => {
    const space = text.indexOf(" ");
    before = [...before.slice(0, Number(text.slice(0, space))), ...text.slice(space + 1)];
    return before.join("");
  });
}

// The model of a page's data: `sides` are the sizes that are set; `at` computes everything at some.
function makeModel(data, plainRules) {
  const rules = plainRules.map(complete);
  const first = 1 + data.inputs.length; // the value of the first layer
  const names = namesOf(data.names);
  data.layers = data.layers.map(([type, rule = null, form, says, inputs = null, own = null, broken = false], i) =>
    ({ name: names[i], type: data.types[type], rule, form, says, inputs: inputs ?? [first + i - 1], own, broken }));
  for (const solid of data.pictures.flatMap((picture) => picture.solids))
    solid.rows = (solid.rows || []).flatMap(([begin, end]) => Array.from({ length: end - begin + 1 }, (_, i) => begin + i));
  const inputs = data.inputs.map((input) => input.name);
  let sides = data.sides.map((side) => side.declared);
  let now = null;

  const shapesOf = (sizes) => data.inputs.map(({ name, shape }) => {
    if (shape === null) return null;
    const own = [...shape];
    data.sides.forEach((side, i) => { if (side.input === name) own[side.axis] = sizes[i]; });
    return own;
  });

  function at(sizes) {
    const found = data.why ? atKnown(sizes) : computed(sizes);
    return found && { sizes, valid: !data.wrong && found.layers.every((layer) => !layer.refused.length), ...found };
  }

  function computed(sizes) {
    const values = [null, ...shapesOf(sizes)];
    const layers = data.layers.map((layer) => {
      const result = runLayer(layer, rules, layer.inputs.map((value) => values[value]));
      values.push(result.output);
      return result;
    });
    return { values, layers, parameters: sum(layers.map((l) => l.parameters)), macs: sum(layers.map((l) => l.macs)) };
  }

  // The results that Python computed, where there are no rules.
  function atKnown(sizes) {
    const result = data.known.find((one) => one.sides.every((side, i) => side === sizes[i]));
    if (!result) return null;
    const layers = result.shapes.map((output, i) => ({
      output, refused: result.refusals[i] ? [result.refusals[i]] : [], parameters: result.counts[i][0], macs: result.counts[i][1],
    }));
    return { values: [null, ...shapesOf(sizes), ...result.shapes], layers, parameters: result.parameters, macs: result.macs, receptive: result.receptive, dropped: result.dropped };
  }

  const result = () => (now ??= at(sides));

  // The receptive fields of all layers in the image: all inputs with sides, or the first of them where they differ.
  function receptive() {
    const { values, layers } = result();
    const spaces = data.inputs.map((_, i) => values[i + 1] && values[i + 1].length > 1 ? values[i + 1].slice(1).join() : null);
    const image = spaces.findIndex((space) => space !== null);
    const alike = spaces.every((space) => space === null || space === spaces[image]);
    const isImage = spaces.map((space, i) => space !== null && (alike || i === image));
    return (result().fields ??= fieldsOf(data.layers, rules, values, layers, isImage));
  }

  // For each layer, the rows of the image that it loses at the end of each axis.
  const lost = (found = result()) => (found.lost ??= data.why ? found.dropped : lostRows(data.layers, rules, found.values));

  // Whether sizes are "refused", taken though rows are "lossy", or "exact"; "none" where that is not known.
  function quality(sizes) {
    if (data.why) {
      const found = atKnown(sizes);
      return !found ? "none" : found.layers.some((layer) => layer.refused.length) || data.wrong ? "refused" : found.dropped.some((cells) => cells.some(Boolean)) ? "lossy" : "exact";
    }
    if (data.wrong) return "refused";
    const values = [null, ...shapesOf(sizes)];
    for (const layer of data.layers) {
      const result = runLayer(layer, rules, layer.inputs.map((value) => values[value]), false);
      if (result.refused.length) return "refused";
      values.push(result.output);
    }
    return rules.some((rule) => rule.unread) && lostRows(data.layers, rules, values).some((cells) => cells.some(Boolean)) ? "lossy" : "exact";
  }

  // For each layer the bytes that autograd keeps of a sample: they are known at the declared sizes alone, null at others.
  const kept = () => data.kept && data.sides.every(({ declared }, i) => declared === sides[i]) ? data.kept.rows.map((n) => data.kept.sizes[n]) : null;

  return {
    inputs, quality, at, result, data, receptive, lost, kept,
    get sides() { return [...sides]; },
    // Set sides by their names; false, and nothing is set, where a name or a size is none that can be computed.
    set(given) {
      const wanted = [...sides];
      for (const [name, size] of Object.entries(given)) {
        const place = data.sides.findIndex((side) => side.name === name);
        if (place < 0 || !Number.isInteger(size) || size < 1 || size > MOST_SIDE) return false;
        wanted[place] = size;
      }
      const found = at(wanted);
      if (!found || found.values.flat().some((n) => n > Number.MAX_SAFE_INTEGER)) return false;
      [sides, now] = [wanted, found];
      return true;
    },
    state() {
      const { valid, layers, parameters, macs } = result();
      const named = (of) => Object.fromEntries(data.layers.map(({ name }, i) => [name, of(layers[i], i)]));
      return {
        valid,
        refused_by: data.layers.filter((_, i) => layers[i].refused.length).map(({ name }) => name),
        shapes: named((layer) => known(layer.output)),
        receptive: named((_, i) => data.why ? result().receptive[i] : receptive()[i].map(fieldFacts)),
        parameters: plain(parameters),
        macs: plain(macs),
      };
    },
  };

}



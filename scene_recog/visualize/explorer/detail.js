// Where one number comes from: what is multiplied and added, in pictures and in words.

const MOST_PATCHES = 4;
const MOST_TERMS = 6;

function placeInWords({ kind, shape }, index, classes, isLast) {
  const [map, y, x] = placeOf(shape, index);
  if (isLast) return `score of ${classes[map] ?? map}`;
  if (kind === "image") return `pixel in row ${y}, column ${x}`;
  return shape.length === 3 && shape[1] * shape[2] > 1 ? `map ${map}, row ${y}, column ${x}` : `value ${map}`;
}

/** All about one value. */
function describeValue({ side, number, index }) {
  const { network, outputs, classes, small } = sideOf(side);
  const step = network[number];
  const isLast = number === lastOf(network);
  const value = outputs[number][index];
  const heading = make("p", {},
    make("strong", { textContent: `${titleOf(step)}, ${placeInWords(step, index, classes, isLast)}: ${short(value)}` }));
  const parts = [heading, make("p", { className: "pale", textContent: sentenceOf(network, number) })];
  if (step.kind === "image") {
    parts.push(make("p", { className: "numbers", textContent: `grey level ${small.data[index]} of 255, normalized: ${short(value)}` }));
    return parts;
  }
  const { terms, constant } = explain(network, outputs, number, index);
  parts.push(...(PICTURES[step.kind]?.({ network, outputs, step, index, terms }) ?? []));
  parts.push(make("p", { className: "numbers", textContent: EQUATIONS[step.kind]({ step, index, terms, constant, value }) }));
  if (terms.length > 1) parts.push(...largestTerms(side, network, classes, terms));
  if (isKept({ side, number, index })) parts.push(...trailInWords(side));
  return parts;
}

/** A button, or the trail from the kept value back to the pixels. */
function trailInWords(side) {
  if (!state.trail.length) {
    const back = make("button", { type: "button", textContent: "Follow the largest contribution back to the pixels" });
    back.addEventListener("click", followToPixels);
    return [back];
  }
  const { network, outputs, classes } = sideOf(side);
  const items = state.trail.map(({ number, index }) => {
    const step = network[number];
    return make("li", { textContent: `${titleOf(step)}, ${placeInWords(step, index, classes, number === lastOf(network))}: ${short(outputs[number][index])}` });
  });
  return [make("p", { textContent: "The largest contribution, layer by layer; circles mark it above:" }), make("ol", {}, ...items)];
}

function largestTerms(side, network, classes, terms) {
  const sorted = terms.filter(({ product }) => product !== 0).sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
  const list = make("ol");
  for (const term of sorted.slice(0, MOST_TERMS)) {
    const { number, index } = source(network, term.input, term.index);
    const text = `${titleOf(network[number])}, ${placeInWords(network[number], index, classes, false)}: ${inSum(term.value)} × ${inSum(term.weight)} = ${short(term.product)}`;
    const button = make("button", { type: "button", textContent: text });
    button.addEventListener("click", () => select(side, number, index));
    list.append(make("li", {}, button));
  }
  const rest = sorted.length - MOST_TERMS;
  return [make("p", { textContent: "The largest contributions:" }), list,
    rest > 0 ? make("p", { className: "pale", textContent: `and ${rest} smaller ones; ${terms.length - sorted.length} of ${terms.length} are zero.` }) : null]
    .filter(Boolean);
}

// ---------------------------------------------------------------- in words

const sumInWords = ({ terms, constant, value }) =>
  `sum of ${terms.length} products ${short(terms.reduce((sum, { product }) => sum + product, 0))} + bias ${inSum(constant)} = ${short(value)}`;

const passedOn = ({ value }) => `passed on as it is: ${short(value)}`;
const EQUATIONS = {
  convolution: sumInWords,
  linear: sumInWords,
  "batch norm"({ step, index, terms: [{ value: x }], value }) {
    const map = mapOf(step, index);
    const { mean, variance, gamma, beta } = step.weights;
    const deviation = Math.sqrt(variance[map] + step.settings.epsilon);
    return `(x − mean) / deviation × γ + β = (${short(x)} − ${inSum(mean[map])}) / ${short(deviation)} × ${inSum(gamma ? gamma[map] : 1)} + ${inSum(beta ? beta[map] : 0)} = ${short(value)}`;
  },
  "max pooling": ({ terms, value }) => `the largest of ${terms.map((term) => short(term.value)).join(", ")} is ${short(value)}`,
  "average pooling": ({ terms, value }) => `the sum of ${terms.length} values × ${short(terms[0]?.weight ?? 0)} is ${short(value)}`,
  "power pooling": ({ step, terms, value }) => `the root of the sum of ${terms.length} values to the power of ${step.settings.power} is ${short(value)}`,
  "adaptive pooling": ({ step, terms, value }) => `the ${step.settings.how} of ${terms.length} values is ${short(value)}`,
  activation: ({ step, terms: [{ value: x }], value }) =>
    step.settings.function === "ReLU" ? `max(0, ${short(x)}) = ${short(value)}` : `${step.settings.function}(${short(x)}) = ${short(value)}`,
  dropout({ step: { settings: { probability } }, value }) {
    if (probability === 1) return "in training: always 0; at test time nothing is dropped";
    const kept = value / (1 - probability);
    return `in training: 0 with probability ${probability}, else ${short(value)} / (1 − ${probability}) = ${short(kept)}; on average, and at test time: ${short(value)}`;
  },
  sum: ({ terms, value }) => `${terms.map((term) => inSum(term.value)).join(" + ")} = ${short(value)}`,
  upsampling: ({ value }) => `the nearest value below: ${short(value)}`,
  concatenation: passedOn,
  selection: passedOn,
  scaling: ({ step: { settings }, terms: [{ value: x }], value }) => `${short(x)} × ${short(settings.factor)} + ${short(settings.shift)} = ${short(value)}`,
};

// ---------------------------------------------------------------- in pictures

const figure = (canvas, caption) => make("figure", {}, canvas, make("figcaption", { textContent: caption }));
const row = (...children) => make("div", { className: "sum" }, ...children);

/** The patch of the maps below, the filter, and what their products add up to, map by map. */
function convolutionPictures({ network, outputs, step, index, terms }) {
  const [rows, columns] = windowOf(step);
  const size = rows.size * columns.size;
  const perGroup = step.inputShapes[0][0] / step.settings.groups;
  const map = mapOf(step, index);
  const [, y, x] = placeOf(step.shape, index);
  const firstInput = Math.floor(map / (step.shape[0] / step.settings.groups)) * perGroup;
  const input = outputs[step.inputs[0]];
  const blocks = Array.from({ length: perGroup }, (_, c) => {
    const patch = new Float32Array(size);
    eachInWindow(step, firstInput + c, y, x, (at, u, v) => { patch[u * columns.size + v] = input[at]; });
    const kernel = step.weights.weight.subarray((map * perGroup + c) * size, (map * perGroup + c + 1) * size);
    return { c: firstInput + c, patch, kernel, total: kernel.reduce((sum, weight, n) => sum + weight * patch[n], 0) };
  });
  const shown = blocks.slice().sort((one, other) => Math.abs(other.total) - Math.abs(one.total)).slice(0, MOST_PATCHES);
  const scale = largestOf(blocks.flatMap(({ patch }) => Array.from(patch))) || 1;
  const weightScale = largestOf(step.weights.weight.subarray(map * perGroup * size, (map + 1) * perGroup * size)) || 1;
  const cell = perGroup === 1 ? 30 : 14;
  const isImage = network[step.inputs[0]].kind === "image";
  const nodes = shown.map(({ c, patch, kernel, total }) => {
    const from = isImage ? "the image" : `map ${c}`;
    return row(
      figure(gridPicture(patch, rows.size, columns.size, { scale, cell, withNumbers: true, label: `patch of ${from}` }), `patch of ${from}`),
      "×",
      figure(gridPicture(kernel, rows.size, columns.size, { scale: weightScale, cell, withNumbers: true, label: `filter ${map} for ${from}` }), `filter ${map}`),
      make("span", { className: "numbers", textContent: `= ${short(total)}` }),
    );
  });
  if (perGroup > shown.length) {
    const all = make("div", { className: "sum" }, ...blocks.slice(0, 64).map(({ c, kernel }) =>
      gridPicture(kernel, rows.size, columns.size, { scale: weightScale, cell: 6, label: `filter ${map} for map ${c}` })));
    nodes.push(make("p", { className: "pale", textContent: `and ${perGroup - shown.length} more maps; the whole filter, a square for each map:` }), all);
  }
  return nodes;
}

/** The weights of a unit, as maps if it sees flattened maps. */
function linearPictures({ network, step, index, terms }) {
  const below = network[source(network, step.inputs[0], 0).number];
  const [maps, height, width] = asMaps(below.shape);
  const weights = terms.map(({ weight }) => weight), products = terms.map(({ product }) => product);
  const isMaps = height * width > 1;
  const draw = (values, what) => {
    const scale = largestOf(values) || 1;
    if (!isMaps) {
      const wide = Math.min(values.length, 25), tall = Math.ceil(values.length / wide);
      const padded = [...values, ...new Array(wide * tall - values.length).fill(0)];
      return [figure(gridPicture(padded, tall, wide, { scale, cell: 12, label: what }), what)];
    }
    const side = height * width;
    const each = Array.from({ length: maps }, (_, map) =>
      gridPicture(values.slice(map * side, (map + 1) * side), height, width, { scale, cell: 7, label: `${what}, map ${map}` }));
    return [make("figure", {}, make("div", { className: "sum" }, ...each), make("figcaption", { textContent: `${what}, a square for each map` }))];
  };
  return [row(...draw(weights, "weights")), row(...draw(products, "value × weight"))];
}

function windowPictures({ step, index, terms, outputs }) {
  const [rows, columns] = windowOf(step);
  const [c, y, x] = placeOf(step.shape, index);
  const patch = new Float32Array(rows.size * columns.size);
  const best = terms.findIndex(({ weight }) => weight === 1);
  eachInWindow(step, c, y, x, (at, u, v) => { patch[u * columns.size + v] = outputs[step.inputs[0]][at]; });
  const marked = step.kind === "max pooling" && terms.length === patch.length ? best : -1;
  return [row(figure(gridPicture(patch, rows.size, columns.size, { cell: 30, withNumbers: true, marked, label: "the block" }), "the block below"))];
}

/** A map at test time, and one throw of the dice as in training. */
function dropoutPictures({ step, index, outputs }) {
  const [, height, width] = asMaps(step.shape);
  const { probability, of_maps: ofMaps } = step.settings;
  const map = mapOf(step, index);
  const isMaps = height * width > 1;
  const input = outputs[step.inputs[0]];
  const values = isMaps ? input.slice(map * height * width, (map + 1) * height * width) : input;
  const wide = isMaps ? width : Math.min(values.length, 25);
  const tall = Math.ceil(values.length / wide);
  const padded = Float32Array.from({ length: wide * tall }, (_, n) => values[n] ?? 0);
  const cell = wide > 16 ? 6 : 12;
  const kept = Math.max(1 - probability, 1e-6);
  const scale = (largestOf(padded) || 1) / kept;
  const training = make("span");
  const dice = make("button", { type: "button", textContent: "roll the dice again" });
  const roll = () => {
    const whole = Math.random() < probability;
    const dropped = padded.map((value) => ((ofMaps ? whole : Math.random() < probability) ? 0 : value / kept));
    training.replaceChildren(figure(gridPicture(dropped, tall, wide, { scale, cell, label: "in training" }), "in training"));
  };
  dice.addEventListener("click", roll);
  roll();
  return [row(figure(gridPicture(padded, tall, wide, { scale, cell, label: "at test time" }), isMaps ? `map ${map} at test time` : "at test time"), training, dice)];
}

const PICTURES = {
  convolution: convolutionPictures,
  linear: linearPictures,
  "max pooling": windowPictures,
  "average pooling": windowPictures,
  "power pooling": windowPictures,
  dropout: dropoutPictures,
};

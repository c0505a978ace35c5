// A network's arithmetic, for one image: what each step computes, its gradient, and where each
// number comes from. Values are float32, row by row: maps [C, H, W] or plain numbers [C].

const decodeFloats = (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
};

/** Steps with their weights in place, as the rest of this file needs them. */
function makeNetwork(steps, arrays) {
  const values = arrays.map(decodeFloats);
  return steps.map((step) => ({
    ...step,
    weights: Object.fromEntries(Object.entries(step.weights).map(([name, at]) => [name, values[at]])),
    inputShapes: step.inputs.map((number) => steps[number].shape),
  }));
}

const sizeOf = (shape) => shape.reduce((product, side) => product * side, 1);
const asMaps = (shape) => (shape.length === 3 ? shape : [shape[0], 1, 1]);
const placeOf = (shape, index) => {
  const [, height, width] = asMaps(shape);
  return [Math.floor(index / (height * width)), Math.floor(index / width) % height, index % width];
};

/** The outputs of all steps for an image, a Float32Array that is already normalized. */
function forward(network, image) {
  const outputs = [image];
  for (const step of network.slice(1)) {
    const output = new Float32Array(sizeOf(step.shape));
    KINDS[step.kind].forward(step, step.inputs.map((number) => outputs[number]), output);
    outputs.push(output);
  }
  return outputs;
}

/** The gradient of sum(gradient * logits) at the output of every step. */
function backward(network, outputs, gradient) {
  const gradients = outputs.map((output) => new Float32Array(output.length));
  gradients[network.length - 1].set(gradient);
  for (let number = network.length - 1; number > 0; number--) {
    const step = network[number];
    const inputs = step.inputs.map((each) => outputs[each]);
    const into = step.inputs.map((each) => gradients[each]);
    KINDS[step.kind].backward(step, gradients[number], inputs, into, outputs[number]);
  }
  return gradients;
}

function softmax(scores) {
  const highest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

const indexOfLargest = (values) => values.reduce((best, value, index) => (value > values[best] ? index : best), 0);

/** The step that gives the scores; what only rearranges them after it does not count. */
const lastOf = (network) => source(network, network.length - 1, 0).number;

/** Past steps that only rearrange: the step that computed a value, and its index there. */
function source(network, number, index) {
  while (network[number].kind === "reshape") number = network[number].inputs[0];
  return { number, index };
}

/** What is added up to one value: [{input, index, value, weight, product}], and a constant.
 *
 *  `input` is the number of an earlier step. Products and constant add up to the value, except
 *  where a step is no sum (an activation): then there is one term, and its product is the value. */
function explain(network, outputs, number, index) {
  const step = network[number];
  if (!step.inputs.length) return { terms: [], constant: 0 };
  const inputs = step.inputs.map((each) => outputs[each]);
  const { terms, constant = 0 } = KINDS[step.kind].explain(step, inputs, index, outputs[number]);
  return { terms: terms.map((term) => ({ ...term, input: step.inputs[term.input ?? 0] })), constant };
}

/** The part of each earlier step that a value can see: {top, bottom, left, right} or undefined. */
function receptiveFields(network, number, index) {
  const fields = [];
  const [, y, x] = placeOf(network[number].shape, index);
  fields[number] = { top: y, bottom: y, left: x, right: x, index };
  for (let at = number; at > 0; at--) {
    if (!fields[at]) continue;
    const step = network[at];
    step.inputs.forEach((input, nth) => {
      const [, height, width] = asMaps(step.inputShapes[nth]);
      const seen = KINDS[step.kind].sees?.(step, fields[at], nth) ?? { top: 0, bottom: height - 1, left: 0, right: width - 1 };
      if (seen === NOTHING) return;
      const clipped = {
        ...seen,
        top: Math.max(seen.top, 0), bottom: Math.min(seen.bottom, height - 1),
        left: Math.max(seen.left, 0), right: Math.min(seen.right, width - 1),
      };
      fields[input] = fields[input] ? union(fields[input], clipped) : clipped;
    });
  }
  return fields;
}

const NOTHING = {};
const union = (one, other) => ({
  top: Math.min(one.top, other.top), bottom: Math.max(one.bottom, other.bottom),
  left: Math.min(one.left, other.left), right: Math.max(one.right, other.right),
});

// ---------------------------------------------------------------- steps with a window

/** Where a window begins, its taps, and their distance, along height and width. */
const windowOf = ({ settings: { kernel, stride, padding, dilation } }) =>
  [0, 1].map((axis) => ({ size: kernel[axis], stride: stride[axis], padding: padding[axis], gap: dilation[axis] }));

const seesWindow = (step, field) => {
  const [rows, columns] = windowOf(step);
  const first = (from, { stride, padding }) => from * stride - padding;
  const last = (to, axis) => first(to, axis) + (axis.size - 1) * axis.gap;
  return {
    top: first(field.top, rows), bottom: last(field.bottom, rows),
    left: first(field.left, columns), right: last(field.right, columns),
  };
};

/** Calls `visit(input index)` for each value in the window of output (y, x) of map c. */
function eachInWindow(step, c, y, x, visit) {
  const [rows, columns] = windowOf(step);
  const [, height, width] = step.inputShapes[0];
  for (let u = 0; u < rows.size; u++) {
    const iy = y * rows.stride - rows.padding + u * rows.gap;
    if (iy < 0 || iy >= height) continue;
    for (let v = 0; v < columns.size; v++) {
      const ix = x * columns.stride - columns.padding + v * columns.gap;
      if (ix >= 0 && ix < width) visit((c * height + iy) * width + ix, u, v);
    }
  }
}

/** Calls `visit` for every value of the output: (index, map, row, column). */
function eachOutput(step, visit) {
  const [maps, height, width] = asMaps(step.shape);
  let index = 0;
  for (let c = 0; c < maps; c++) {
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) visit(index++, c, y, x);
  }
}

/** Calls `visit(weight, first input, first output, how many, input stride)` for each run of a row
 *  that one weight of a convolution joins. Forward and backward differ only in what they do there. */
function eachRowOfConvolution(step, map, visit) {
  const [rows, columns] = windowOf(step);
  const [inputMaps, height, width] = step.inputShapes[0];
  const [maps, outHeight, outWidth] = step.shape;
  const perGroup = inputMaps / step.settings.groups;
  const firstInput = Math.floor(map / (maps / step.settings.groups)) * perGroup;
  let tap = map * perGroup * rows.size * columns.size;
  for (let c = firstInput; c < firstInput + perGroup; c++) {
    for (let u = 0; u < rows.size; u++) {
      for (let v = 0; v < columns.size; v++) {
        const weight = step.weights.weight[tap++];
        const shift = v * columns.gap - columns.padding;
        const from = Math.max(0, Math.ceil(-shift / columns.stride));
        const to = Math.min(outWidth - 1, Math.floor((width - 1 - shift) / columns.stride));
        if (to < from) continue;
        for (let y = 0; y < outHeight; y++) {
          const iy = y * rows.stride - rows.padding + u * rows.gap;
          if (iy < 0 || iy >= height) continue;
          visit(weight, (c * height + iy) * width + from * columns.stride + shift, y * outWidth + from, to - from + 1, columns.stride);
        }
      }
    }
  }
}

const convolution = {
  forward(step, [x], output) {
    const [maps, height, width] = step.shape;
    const sums = new Float64Array(height * width); // as precise as any order of adding float32
    for (let map = 0; map < maps; map++) {
      sums.fill(step.weights.bias ? step.weights.bias[map] : 0);
      eachRowOfConvolution(step, map, (weight, at, to, count, stride) => {
        for (let n = 0; n < count; n++, at += stride) sums[to + n] += weight * x[at];
      });
      output.set(sums, map * height * width);
    }
  },
  backward(step, gradient, inputs, [into]) {
    const [maps, height, width] = step.shape;
    for (let map = 0; map < maps; map++) {
      const offset = map * height * width;
      eachRowOfConvolution(step, map, (weight, at, from, count, stride) => {
        for (let n = 0; n < count; n++, at += stride) into[at] += weight * gradient[offset + from + n];
      });
    }
  },
  explain(step, [x], index) {
    const [rows, columns] = windowOf(step);
    const perGroup = step.inputShapes[0][0] / step.settings.groups;
    const [map, y, x0] = placeOf(step.shape, index);
    const firstInput = Math.floor(map / (step.shape[0] / step.settings.groups)) * perGroup;
    const terms = [];
    for (let c = 0; c < perGroup; c++) {
      eachInWindow(step, firstInput + c, y, x0, (at, u, v) => {
        const weight = step.weights.weight[((map * perGroup + c) * rows.size + u) * columns.size + v];
        terms.push({ index: at, value: x[at], weight, product: weight * x[at] });
      });
    }
    return { terms, constant: step.weights.bias?.[map] ?? 0 };
  },
  sees: seesWindow,
};

const linear = {
  forward(step, [x], output) {
    const { weight, bias } = step.weights;
    for (let unit = 0, at = 0; unit < output.length; unit++) {
      let sum = bias ? bias[unit] : 0;
      for (let n = 0; n < x.length; n++) sum += weight[at++] * x[n];
      output[unit] = sum;
    }
  },
  backward(step, gradient, [x], [into]) {
    for (let unit = 0, at = 0; unit < gradient.length; unit++) {
      for (let n = 0; n < x.length; n++) into[n] += step.weights.weight[at++] * gradient[unit];
    }
  },
  explain(step, [x], unit) {
    const row = step.weights.weight.subarray(unit * x.length, (unit + 1) * x.length);
    const terms = Array.from(x, (value, index) => ({ index, value, weight: row[index], product: row[index] * value }));
    return { terms, constant: step.weights.bias?.[unit] ?? 0 };
  },
};

const maxPooling = {
  winner(step, x, c, y, column) {
    let best = -1;
    eachInWindow(step, c, y, column, (at) => {
      if (best < 0 || x[at] > x[best]) best = at;
    });
    return best;
  },
  forward(step, [x], output) {
    eachOutput(step, (index, c, y, column) => { output[index] = x[this.winner(step, x, c, y, column)]; });
  },
  backward(step, gradient, [x], [into]) {
    eachOutput(step, (index, c, y, column) => { into[this.winner(step, x, c, y, column)] += gradient[index]; });
  },
  explain(step, [x], index) {
    const [c, y, column] = placeOf(step.shape, index);
    const best = this.winner(step, x, c, y, column);
    const terms = [];
    eachInWindow(step, c, y, column, (at) => {
      terms.push({ index: at, value: x[at], weight: Number(at === best), product: at === best ? x[at] : 0 });
    });
    return { terms };
  },
  sees: seesWindow,
};

const averagePooling = {
  divisor(step, y, x) {
    const { divisor, counts_padding: countsPadding } = step.settings;
    if (divisor) return divisor;
    const sides = [step.inputShapes[0][1], step.inputShapes[0][2]];
    return windowOf(step).reduce((product, { size, stride, padding }, axis) => {
      let from = (axis ? x : y) * stride - padding;
      let to = Math.min(from + size, sides[axis] + padding);
      if (!countsPadding) [from, to] = [Math.max(from, 0), Math.min(to, sides[axis])];
      return product * (to - from);
    }, 1);
  },
  forward(step, [x], output) {
    eachOutput(step, (index, c, y, column) => {
      let sum = 0;
      eachInWindow(step, c, y, column, (at) => { sum += x[at]; });
      output[index] = sum / this.divisor(step, y, column);
    });
  },
  backward(step, gradient, inputs, [into]) {
    eachOutput(step, (index, c, y, column) => {
      const share = gradient[index] / this.divisor(step, y, column);
      eachInWindow(step, c, y, column, (at) => { into[at] += share; });
    });
  },
  explain(step, [x], index) {
    const [c, y, column] = placeOf(step.shape, index);
    const weight = 1 / this.divisor(step, y, column);
    const terms = [];
    eachInWindow(step, c, y, column, (at) => terms.push({ index: at, value: x[at], weight, product: weight * x[at] }));
    return { terms };
  },
  sees: seesWindow,
};

/** The p-th root of the sum of p-th powers; a window over the edge counts as if it were full. */
const powerPooling = {
  scale(step, y, column) {
    const [rows, columns] = windowOf(step);
    const [, height, width] = step.inputShapes[0];
    const count = Math.min(rows.size, height - y * rows.stride) * Math.min(columns.size, width - column * columns.stride);
    return (rows.size * columns.size) / count;
  },
  /** How much the value grows with each input of its window. */
  slopes(step, x, index, value) {
    const [c, y, column] = placeOf(step.shape, index);
    const { power } = step.settings;
    const share = value ? this.scale(step, y, column) * value ** (1 - power) : 0;
    const found = [];
    eachInWindow(step, c, y, column, (at) => found.push({ index: at, weight: share * x[at] ** (power - 1) }));
    return found;
  },
  forward(step, [x], output) {
    eachOutput(step, (index, c, y, column) => {
      let sum = 0;
      eachInWindow(step, c, y, column, (at) => { sum += x[at] ** step.settings.power; });
      output[index] = (sum * this.scale(step, y, column)) ** (1 / step.settings.power);
    });
  },
  backward(step, gradient, [x], [into], output) {
    for (let at = 0; at < gradient.length; at++) {
      for (const { index, weight } of this.slopes(step, x, at, output[at])) into[index] += weight * gradient[at];
    }
  },
  explain(step, [x], index, output) {
    const slopes = this.slopes(step, x, index, output[index]);
    return { terms: slopes.map((term) => ({ ...term, value: x[term.index], product: term.weight * x[term.index] })) };
  },
  sees: seesWindow,
};

/** Windows that divide the input evenly, whatever its size. */
const adaptivePooling = {
  bounds(step, field) {
    const [, height, width] = asMaps(step.inputShapes[0]);
    const [, outHeight, outWidth] = asMaps(step.shape);
    return {
      top: Math.floor((field.top * height) / outHeight), bottom: Math.ceil(((field.bottom + 1) * height) / outHeight) - 1,
      left: Math.floor((field.left * width) / outWidth), right: Math.ceil(((field.right + 1) * width) / outWidth) - 1,
    };
  },
  indices(step, index) {
    const [, height, width] = asMaps(step.inputShapes[0]);
    const [c, y, x] = placeOf(step.shape, index);
    const { top, bottom, left, right } = this.bounds(step, { top: y, bottom: y, left: x, right: x });
    const found = [];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) found.push((c * height + row) * width + column);
    }
    return found;
  },
  winner: (x, indices) => indices.reduce((best, at) => (x[at] > x[best] ? at : best)),
  forward(step, [x], output) {
    for (let index = 0; index < output.length; index++) {
      const indices = this.indices(step, index);
      output[index] = step.settings.how === "maximum"
        ? x[this.winner(x, indices)]
        : indices.reduce((sum, at) => sum + x[at], 0) / indices.length;
    }
  },
  backward(step, gradient, [x], [into]) {
    for (let index = 0; index < gradient.length; index++) {
      const indices = this.indices(step, index);
      if (step.settings.how === "maximum") into[this.winner(x, indices)] += gradient[index];
      else for (const at of indices) into[at] += gradient[index] / indices.length;
    }
  },
  explain(step, [x], index) {
    const indices = this.indices(step, index);
    const best = step.settings.how === "maximum" ? this.winner(x, indices) : null;
    const terms = indices.map((at) => {
      const weight = best === null ? 1 / indices.length : Number(at === best);
      return { index: at, value: x[at], weight, product: weight * x[at] };
    });
    return { terms };
  },
  sees(step, field) { return this.bounds(step, field); },
};

/** Each value once or several times, the nearest one. */
const upsampling = {
  source(step, index) {
    const [, height, width] = step.inputShapes[0];
    const [c, y, x] = placeOf(step.shape, index);
    return (c * height + Math.floor((y * height) / step.shape[1])) * width + Math.floor((x * width) / step.shape[2]);
  },
  forward(step, [x], output) {
    for (let index = 0; index < output.length; index++) output[index] = x[this.source(step, index)];
  },
  backward(step, gradient, inputs, [into]) {
    for (let index = 0; index < gradient.length; index++) into[this.source(step, index)] += gradient[index];
  },
  explain(step, [x], index) {
    const at = this.source(step, index);
    return { terms: [{ index: at, value: x[at], weight: 1, product: x[at] }] };
  },
  sees(step, field) {
    const [, height, width] = step.inputShapes[0];
    const down = height / step.shape[1], across = width / step.shape[2];
    return {
      top: Math.floor(field.top * down), bottom: Math.floor(field.bottom * down),
      left: Math.floor(field.left * across), right: Math.floor(field.right * across),
    };
  },
};

// ---------------------------------------------------------------- steps on each value alone

const seesItself = (step, field) => field;

/** A step that computes each value from the one at the same place. */
const pointwise = (value, slope, asTerm) => ({
  forward(step, [x], output) {
    for (let n = 0; n < x.length; n++) output[n] = value(step, x[n], n);
  },
  backward(step, gradient, [x], [into]) {
    for (let n = 0; n < x.length; n++) into[n] += gradient[n] * slope(step, x[n], n);
  },
  explain(step, [x], index) {
    const { weight, constant = 0 } = asTerm(step, x[index], index);
    const product = weight === undefined ? value(step, x[index], index) : weight * x[index];
    return { terms: [{ index, value: x[index], weight, product }], constant };
  },
  sees: seesItself,
});

const mapOf = (step, index) => placeOf(step.shape, index)[0];

/** y = scale * x + shift, in eval mode. */
function scaleAndShift({ weights: { mean, variance, gamma, beta }, settings: { epsilon } }, map) {
  const scale = (gamma ? gamma[map] : 1) / Math.sqrt(variance[map] + epsilon);
  return [scale, (beta ? beta[map] : 0) - mean[map] * scale];
}

const batchNorm = {
  ...pointwise(null, null, (step, x, index) => {
    const [weight, constant] = scaleAndShift(step, mapOf(step, index));
    return { weight, constant };
  }),
  forward(step, [x], output) {
    const side = x.length / step.shape[0];
    for (let map = 0; map < step.shape[0]; map++) {
      const [scale, shift] = scaleAndShift(step, map);
      for (let n = map * side; n < (map + 1) * side; n++) output[n] = scale * x[n] + shift;
    }
  },
  backward(step, gradient, [x], [into]) {
    const side = x.length / step.shape[0];
    for (let map = 0; map < step.shape[0]; map++) {
      const [scale] = scaleAndShift(step, map);
      for (let n = map * side; n < (map + 1) * side; n++) into[n] += scale * gradient[n];
    }
  },
};

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => (x > 30 ? x : Math.log1p(Math.exp(x)));
/** Abramowitz and Stegun 1964, 7.1.26: within 1.5e-7. */
const erf = (x) => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
};
const GELU_TANH = Math.sqrt(2 / Math.PI);
const [SELU_ALPHA, SELU_SCALE] = [1.6732632423543772, 1.0507009873554805];

const ACTIVATIONS = {
  ReLU: (x) => Math.max(x, 0),
  ReLU6: (x) => Math.min(Math.max(x, 0), 6),
  LeakyReLU: (x, { negative_slope: slope }) => (x >= 0 ? x : slope * x),
  PReLU: (x, settings, slope) => (x >= 0 ? x : slope * x),
  ELU: (x, { alpha }) => (x > 0 ? x : alpha * Math.expm1(x)),
  SELU: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  GELU: (x, { approximate }) => 0.5 * x * (1 + (approximate === "tanh" ? Math.tanh(GELU_TANH * (x + 0.044715 * x ** 3)) : erf(x / Math.SQRT2))),
  SiLU: (x) => x * sigmoid(x),
  Mish: (x) => x * Math.tanh(softplus(x)),
  Softplus: (x, { beta, threshold }) => (beta * x > threshold ? x : softplus(beta * x) / beta),
  Hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  Tanh: Math.tanh,
  Sigmoid: sigmoid,
  CELU: (x, { alpha }) => Math.max(x, 0) + Math.min(0, alpha * Math.expm1(x / alpha)),
  Hardtanh: (x, { min_val: lowest, max_val: highest }) => Math.min(Math.max(x, lowest), highest),
  Hardsigmoid: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
  Softsign: (x) => x / (1 + Math.abs(x)),
  Threshold: (x, { threshold, value }) => (x > threshold ? x : value),
};

const activate = (step, x, index) => {
  const { slope } = step.weights;
  return ACTIVATIONS[step.settings.function](x, step.settings, slope && slope[slope.length > 1 ? mapOf(step, index) : 0]);
};
const activation = pointwise(
  activate,
  (step, x, index) => {
    if (step.settings.function === "ReLU") return Number(x > 0);
    const [before, after] = [x - 1e-4, x + 1e-4];
    return (activate(step, after, index) - activate(step, before, index)) / (after - before);
  },
  () => ({}),
);
const unchanged = pointwise((step, x) => x, () => 1, () => ({ weight: 1 }));
const scaling = pointwise(
  ({ settings: { factor, shift } }, x) => factor * x + shift,
  ({ settings: { factor } }) => factor,
  ({ settings: { factor, shift } }) => ({ weight: factor, constant: shift }),
);

// ---------------------------------------------------------------- steps that join or rearrange

const reshape = {
  ...unchanged,
  sees(step, { index }) {
    if (index === undefined) return undefined; // everything
    const [, y, x] = placeOf(step.inputShapes[0], index);
    return { top: y, bottom: y, left: x, right: x, index };
  },
};

const sum = {
  forward(step, [one, other], output) {
    for (let n = 0; n < output.length; n++) output[n] = one[n] + other[n];
  },
  backward(step, gradient, inputs, into) {
    for (const each of into) for (let n = 0; n < gradient.length; n++) each[n] += gradient[n];
  },
  explain: (step, inputs, index) => ({
    terms: inputs.map((x, input) => ({ input, index, value: x[index], weight: 1, product: x[index] })),
  }),
  sees: seesItself,
};

const concatenation = {
  offset: (step, nth) => step.inputShapes.slice(0, nth).reduce((total, shape) => total + sizeOf(shape), 0),
  forward(step, inputs, output) {
    inputs.forEach((x, nth) => output.set(x, this.offset(step, nth)));
  },
  backward(step, gradient, inputs, into) {
    into.forEach((each, nth) => {
      const offset = this.offset(step, nth);
      for (let n = 0; n < each.length; n++) each[n] += gradient[offset + n];
    });
  },
  explain(step, inputs, index) {
    let input = 0;
    while (index >= this.offset(step, input + 1)) input++;
    const at = index - this.offset(step, input);
    return { terms: [{ input, index: at, value: inputs[input][at], weight: 1, product: inputs[input][at] }] };
  },
  sees(step, field, nth) {
    if (field.index === undefined) return field;
    const index = field.index - this.offset(step, nth);
    return index >= 0 && index < sizeOf(step.inputShapes[nth]) ? { ...field, index } : NOTHING;
  },
};

const selection = {
  offset: ({ shape, settings: { first } }) => first * sizeOf(shape.slice(1)),
  forward(step, [x], output) {
    output.set(x.subarray(this.offset(step), this.offset(step) + output.length));
  },
  backward(step, gradient, inputs, [into]) {
    const offset = this.offset(step);
    for (let n = 0; n < gradient.length; n++) into[offset + n] += gradient[n];
  },
  explain(step, [x], index) {
    const at = index + this.offset(step);
    return { terms: [{ input: 0, index: at, value: x[at], weight: 1, product: x[at] }] };
  },
  sees(step, field) {
    return field.index === undefined ? field : { ...field, index: field.index + this.offset(step) };
  },
};

const KINDS = {
  convolution,
  linear,
  "batch norm": batchNorm,
  "max pooling": maxPooling,
  "average pooling": averagePooling,
  "power pooling": powerPooling,
  "adaptive pooling": adaptivePooling,
  upsampling,
  activation,
  dropout: unchanged, // in eval mode
  reshape,
  sum,
  concatenation,
  selection,
  scaling,
};

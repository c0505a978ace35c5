// Experiments that run a network many times. Each is a generator, so that the worker can stop it:
// it yields what it has found so far, and returns the result.

const scoresOf = (network, input) => forward(network, input).at(-1);

/** Where the last maps find evidence for a class (Grad-CAM, Selvaraju et al. 2017): [H, W] of the
 *  last step with maps larger than 1x1 before they are averaged in large parts, from 0 to 1. */
function gradCam(network, input, label) {
  const number = network.findLastIndex(({ shape, kind }) => shape.length === 3 && Math.min(shape[1], shape[2]) > 1 && !["reshape", "adaptive pooling"].includes(kind));
  const outputs = forward(network, input);
  const gradient = new Float32Array(sizeOf(network.at(-1).shape));
  gradient[label] = 1;
  const gradients = backward(network, outputs, gradient)[number];
  const [maps, height, width] = network[number].shape;
  const evidence = new Float32Array(height * width);
  for (let map = 0; map < maps; map++) {
    const from = map * height * width, to = from + height * width;
    const weight = meanOf(gradients.subarray(from, to));
    outputs[number].subarray(from, to).forEach((value, at) => { evidence[at] += weight * value; });
  }
  return { width, height, data: scaledToOne(evidence) };
}

function scaledToOne(values) {
  const highest = values.reduce((one, other) => Math.max(one, other), 0);
  return values.map((value) => (highest > 0 ? Math.max(value, 0) / highest : 0));
}

const cornersUpTo = (side, patch, stride) => {
  const corners = [];
  for (let corner = 0; corner < side - patch; corner += stride) corners.push(corner);
  return [...corners, side - patch];
};

/** How much the class's probability falls when a grey square hides a part of the input (Zeiler and
 *  Fergus 2014): [H, W] from 0 to 1. */
function* occlusion(network, input, label) {
  const [, height, width] = network[0].shape;
  const patch = Math.max(4, Math.floor(height / 5));
  const before = softmax(scoresOf(network, input))[label];
  const grey = meanOf(input);
  const total = new Float32Array(height * width), times = new Float32Array(height * width);
  for (const top of cornersUpTo(height, patch, 4)) {
    for (const left of cornersUpTo(width, patch, 4)) {
      const hidden = input.slice();
      for (let y = top; y < top + patch; y++) hidden.fill(grey, y * width + left, y * width + left + patch);
      const fall = before - softmax(scoresOf(network, hidden))[label];
      for (let y = top; y < top + patch; y++) {
        for (let x = left; x < left + patch; x++) {
          total[y * width + x] += fall;
          times[y * width + x] += 1;
        }
      }
    }
    yield { done: (top + patch) / height };
  }
  return { width, height, data: scaledToOne(total.map((fall, at) => fall / times[at])) };
}

// ---------------------------------------------------------------- what would it take?

/** The first of the candidates that changes the answer: {changes, label}, or null if none does. */
function* smallest(network, transforms, picture, edits, candidates) {
  const answerFor = (changes) =>
    indexOfLargest(scoresOf(network, normalized(shrunk(edited(picture, { ...edits, ...changes }), transforms), transforms)));
  const before = answerFor({});
  for (const { changes, done } of candidates) {
    const label = answerFor(changes);
    if (label !== before) return { changes, label };
    yield { done };
  }
  return null;
}

function* brighterOrDarker({ brightness }) {
  for (let step = 1; step <= 60; step++) {
    const factor = 1.04 ** step;
    for (const changed of [brightness * factor, brightness / factor]) {
      if (changed >= 0.1 && changed <= 4) yield { changes: { brightness: changed }, done: step / 60 };
    }
  }
}

function* shifts({ right, down }, { width, height }) {
  const farthest = Math.floor(Math.min(width, height) / 3);
  for (let far = 1; far <= farthest; far++) {
    for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]]) {
      yield { changes: { right: right + far * x, down: down + far * y }, done: far / farthest };
    }
  }
}

function* coveredSquares({ paint }, { width, height, data }) {
  const grey = Math.round(meanOf(data));
  const shorter = Math.min(width, height);
  for (const share of [0.1, 0.14, 0.2, 0.28, 0.4, 0.55]) {
    const side = Math.max(1, Math.round(share * shorter));
    const stride = Math.max(Math.ceil(side / 2), Math.ceil(Math.max(width, height) / 24)); // on long strips
    for (const top of cornersUpTo(height, side, stride)) {
      for (const left of cornersUpTo(width, side, stride)) {
        const painted = paint ? paint.slice() : new Int16Array(width * height).fill(-1);
        for (let y = top; y < top + side; y++) painted.fill(grey, y * width + left, y * width + left + side);
        yield { changes: { paint: painted, square: { top, left, side } }, done: share / 0.55 };
      }
    }
  }
}

/** Steps of one grey level per pixel along the sign of the gradient (Goodfellow et al. 2015), from
 *  the shrunk picture, until the network answers `label`: an adversarial image. */
function* adversarial(network, transforms, small, label) {
  const levels = Uint8Array.from(small.data);
  for (let step = 1; step <= 60; step++) {
    const outputs = forward(network, normalized({ data: levels }, transforms));
    const scores = outputs.at(-1);
    const answer = indexOfLargest(scores);
    if (answer === label) return { picture: { ...small, data: levels }, levels: largestChange(levels, small.data), label };
    const gradient = new Float32Array(scores.length);
    gradient[label] = 1;
    gradient[answer] -= 1;
    const atPixels = backward(network, outputs, gradient)[0];
    atPixels.forEach((slope, at) => { levels[at] = clip(levels[at] + Math.sign(slope), 0, 255); });
    yield { done: step / 60 };
  }
  return null;
}

const largestChange = (one, other) => one.reduce((most, level, at) => Math.max(most, Math.abs(level - other[at])), 0);
